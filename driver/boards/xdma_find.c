// SPDX-License-Identifier: GPL-2.0-only
/*
 * Board xdma: is this one of ours, and what does it have? The core's identifier
 * registers tell which channels there are. The video source of channel n, if it has
 * one, says its own id at n * VS_SPACING of another BAR.
 */
#include <linux/io.h>

#include "boards/xdma.h"

/**
 * xdma_is_block() - does a block of the core's registers begin here?
 * @block: where
 * @id: its XDMA_ID_*
 *
 * Return: whether its identifier says so.
 */
bool xdma_is_block(void __iomem *block, u32 id)
{
	return (readl(block) & XDMA_ID_BLOCK_MASK) == id;
}

static bool is_core(void __iomem *regs)
{
	return xdma_is_block(regs + XDMA_IRQ, XDMA_ID_IRQ) &&
	       xdma_is_block(regs + XDMA_CONFIG, XDMA_ID_CONFIG);
}

/* Cards of the same vendor that are something else stay free for their own driver. */
static int leave_alone(struct grabber_function *function, const char *why)
{
	dev_info(function->dev, "%s: left alone\n", why);
	return -ENODEV;
}

/* The core is in whichever BAR the designer put it. Return: which, or an error. */
static int find_core(struct grabber_function *function, struct xdma_device *device)
{
	int bar;

	for (bar = 0; bar < GRABBER_BARS; bar++) {
		void __iomem *regs = grabber_pci_map(function, bar, XDMA_BAR_SIZE);

		if (IS_ERR(regs) && PTR_ERR(regs) != -ENODEV)
			return PTR_ERR(regs);
		if (IS_ERR(regs))
			continue;
		if (is_core(regs)) {
			device->core = regs;
			return bar;
		}
		grabber_pci_unmap(function, bar, regs);
	}
	return leave_alone(function, "no XDMA core in this card");
}

/* As far as the BAR reaches. Return: how many sources it has, or an error. */
static int find_sources_in(struct grabber_function *function, struct xdma_device *device,
			   int bar, u32 channels)
{
	void __iomem *regs;
	int found = 0;
	u32 i;

	do {
		regs = grabber_pci_map(function, bar, (channels - 1) * VS_SPACING + VS_SIZE);
	} while (PTR_ERR_OR_ZERO(regs) == -ENODEV && --channels);
	if (IS_ERR(regs))
		return PTR_ERR(regs) == -ENODEV ? 0 : PTR_ERR(regs);
	for (i = 0; i < channels; i++) {
		if (!xdma_is_source(regs + i * VS_SPACING))
			continue;
		device->sources[i] = regs + i * VS_SPACING;
		found++;
	}
	if (!found)
		grabber_pci_unmap(function, bar, regs);
	return found;
}

static int find_sources(struct grabber_function *function, struct xdma_device *device,
			int core_bar, u32 channels)
{
	int bar, found = 0;

	for (bar = 0; bar < GRABBER_BARS && !found; bar++) {
		if (bar == core_bar)
			continue;
		found = find_sources_in(function, device, bar, channels);
		if (found)
			device->bar = bar;
	}
	return found;
}

static bool is_stream(void __iomem *core, u32 channel)
{
	void __iomem *c2h = core + XDMA_C2H + channel * XDMA_CHANNEL_SPACING;

	return xdma_is_block(c2h, XDMA_ID_C2H) && readl(c2h) & XDMA_ID_STREAM;
}

/**
 * xdma_find() - find() of struct grabber_board
 * @function: the function
 *
 * Return: number of channels, or an error after saying why.
 */
int xdma_find(struct grabber_function *function)
{
	struct xdma_device *device = devm_kzalloc(function->dev, sizeof(*device), GFP_KERNEL);
	int core_bar, found;
	u32 channels = 0;

	if (!device)
		return -ENOMEM;
	function->board_data = device;
	core_bar = find_core(function, device);
	if (core_bar < 0)
		return core_bar;
	grabber_pci_private(function, core_bar);
	while (channels < XDMA_CHANNELS_MAX && is_stream(device->core, channels))
		channels++;
	if (!channels)
		return leave_alone(function, "an XDMA core without an AXI4-Stream C2H channel 0");
	found = find_sources(function, device, core_bar, channels);
	if (found < 0)
		return found;
	if (!found && !(function->asked && function->streams))
		return leave_alone(function,
				   "an XDMA core without a grabber video source, and nobody asked for its streams as they are (grabberctl bind, or driver_override and framing=)");
	if (!found)
		device->bar = grabber_pci_other_bar(function, core_bar);
	while (device->h2c < XDMA_CHANNELS_MAX &&
	       xdma_is_block(device->core + XDMA_H2C + device->h2c * XDMA_CHANNEL_SPACING,
			     XDMA_ID_H2C))
		device->h2c++;
	/* Whoever had it before may have left some on. */
	writel(0, device->core + XDMA_IRQ_CHANNEL_ENABLE);
	writel(0, device->core + XDMA_IRQ_USER_ENABLE);
	return channels;
}

static int read_format(struct grabber_card *card, struct xdma *xdma)
{
	struct grabber_format *format = &card->format;

	format->width = readl(xdma->source + VS_WIDTH);
	format->height = readl(xdma->source + VS_HEIGHT);
	format->pixelformat = readl(xdma->source + VS_PIXELFORMAT);
	format->bytesperline = readl(xdma->source + VS_BYTESPERLINE);
	format->sizeimage = readl(xdma->source + VS_SIZEIMAGE);
	xdma_read_counter(xdma, VS_SERIAL, &card->serial);
	if (!format->sizeimage || format->sizeimage > GRABBER_SLOT_SIZE_MAX) {
		dev_err(card->dev, "%sthe video source has frames of %u bytes: not 1 to %u\n",
			card->label, format->sizeimage, GRABBER_SLOT_SIZE_MAX);
		return -EINVAL;
	}
	return 0;
}

/**
 * xdma_probe() - probe() of struct grabber_board
 * @card: the card
 *
 * Return: 0 or an error after saying why.
 */
int xdma_probe(struct grabber_card *card)
{
	struct xdma_device *device = card->function->board_data;
	struct xdma *xdma = devm_kzalloc(card->dev, sizeof(*xdma), GFP_KERNEL);

	if (!xdma)
		return -ENOMEM;
	card->board_data = xdma;
	card->bar = device->bar;
	xdma->core = device->core;
	xdma->c2h = device->core + XDMA_C2H + card->channel * XDMA_CHANNEL_SPACING;
	xdma->sgdma = device->core + XDMA_C2H_SGDMA + card->channel * XDMA_CHANNEL_SPACING;
	xdma->source = device->sources[card->channel];
	xdma->channel_bit = BIT(device->h2c + card->channel);
	/* Frames are counted from here on: none may be on its way. */
	xdma_quiet(card);
	if (xdma->source) {
		card->framing = GRABBER_FRAMING_CARD;
		card->queue_max = VS_LOG_ENTRIES;
		xdma_count_first(xdma);
		return read_format(card, xdma);
	}
	/* Beside channels with a video source there may be some without. */
	card->framing = card->framing ?: GRABBER_FRAMING_PACKET;
	/* Short packets would leave the rest of a slot's pieces to the next ones. */
	card->contiguous = card->framing == GRABBER_FRAMING_PACKET;
	return grabber_format_init(card);
}
