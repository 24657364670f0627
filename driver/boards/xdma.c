// SPDX-License-Identifier: GPL-2.0-only
/*
 * FPGA cards built on Xilinx's XDMA core (xdma_regs.h) with the grabber video
 * source beside it (video_source.h): one AXI4-Stream packet a frame, on C2H
 * channel 0. Here: how such a card is found, started and stopped.
 */
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/log2.h>

#include "boards/xdma.h"

#define IDLE_TIMEOUT_US		50000

static bool is_block(void __iomem *core, u32 offset, u32 id)
{
	return (readl(core + offset) & XDMA_ID_BLOCK_MASK) == id;
}

static void xdma_forget(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;

	xdma->head = 0;
	xdma->tail = 0;
	xdma->credited = 0;
	xdma->started = false;
	xdma->stopping = false;
	xdma->askew = false;
	xdma->errors = 0;
	xdma->ahead = false;
	xdma->surplus = false;
	xdma->bytes = 0;
	xdma->packets = 0;
}

/* First what makes frames, then what moves them. */
static int xdma_quiet(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;
	u32 status;
	int err;

	writel(0, xdma->source + VS_CONTROL);
	writel(XDMA_CONTROL_RUN, xdma->core + XDMA_C2H_CONTROL_W1C);
	err = readl_poll_timeout(xdma->core + XDMA_C2H_STATUS, status,
				 status == ~0U || !(status & XDMA_STATUS_BUSY),
				 10, IDLE_TIMEOUT_US);
	/* Of a card that does not answer nothing is known. */
	return err || !is_block(xdma->core, XDMA_C2H, XDMA_ID_C2H) ? -EBUSY : 0;
}

static void start_engine(struct xdma *xdma)
{
	void __iomem *core = xdma->core;

	readl(core + XDMA_C2H_STATUS_RC);
	/* One message for all of the core's interrupts. */
	writel(0, core + XDMA_IRQ_CHANNEL_VECTOR);
	writel(0, core + XDMA_IRQ_CHANNEL_VECTOR + 4);
	writel(xdma->channel_bit, core + XDMA_IRQ_CHANNEL_ENABLE);
	writel(XDMA_INTERRUPTS, core + XDMA_C2H_INT_ENABLE);
	writel(lower_32_bits(xdma->ring.descriptors_bus), core + XDMA_C2H_DESC_LOW);
	writel(upper_32_bits(xdma->ring.descriptors_bus), core + XDMA_C2H_DESC_HIGH);
	writel(0, core + XDMA_C2H_DESC_ADJACENT);
	/* Off and on again: that takes credits away which may be left over. */
	writel(XDMA_CREDIT_MODE_C2H_0, core + XDMA_CREDIT_MODE_CLEAR);
	writel(XDMA_CREDIT_MODE_C2H_0, core + XDMA_CREDIT_MODE_SET);
	writel(XDMA_INTERRUPTS | XDMA_CONTROL_RUN, core + XDMA_C2H_CONTROL);
}

static int xdma_start(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;

	if (!xdma_is_source(xdma->source))
		return -EIO;
	start_engine(xdma);
	spin_lock_irq(&card->wait.lock);
	xdma_count_start(card);
	xdma->started = true;
	xdma_give_credits(xdma);
	spin_unlock_irq(&card->wait.lock);
	/* It may have left on the way here: then what was read of it is of no use. */
	if (!xdma_is_source(xdma->source))
		return -EIO;
	writel(VS_CONTROL_RUN, xdma->source + VS_CONTROL);
	return 0;
}

static int xdma_stop(struct grabber_card *card, enum grabber_loss cause)
{
	struct xdma *xdma = card->board_data;
	int err;

	spin_lock_irq(&card->wait.lock);
	xdma->stopping = true;
	xdma->cause = cause;
	spin_unlock_irq(&card->wait.lock);
	err = xdma_quiet(card);
	spin_lock_irq(&card->wait.lock);
	while (xdma_reap(card, 0))
		;
	xdma_count_stop(card, cause);
	spin_unlock_irq(&card->wait.lock);
	return err;
}

static void ring_free(struct device *dev, struct xdma_ring *ring)
{
	if (ring->ranges)
		devm_kfree(dev, ring->ranges);
	if (ring->descriptors)
		dmam_free_coherent(dev, ring->count * sizeof(*ring->descriptors),
				   ring->descriptors, ring->descriptors_bus);
	if (ring->writebacks)
		dmam_free_coherent(dev, ring->count * sizeof(*ring->writebacks),
				   ring->writebacks, ring->writebacks_bus);
}

static int ring_alloc(struct device *dev, struct xdma_ring *ring, u32 count)
{
	u32 i;

	ring->count = count;
	ring->ranges = devm_kcalloc(dev, count, sizeof(*ring->ranges), GRABBER_GFP);
	ring->descriptors = dmam_alloc_coherent(dev, count * sizeof(*ring->descriptors),
						&ring->descriptors_bus, GRABBER_GFP);
	ring->writebacks = dmam_alloc_coherent(dev, count * sizeof(*ring->writebacks),
					       &ring->writebacks_bus, GRABBER_GFP);
	if (!ring->ranges || !ring->descriptors || !ring->writebacks) {
		ring_free(dev, ring);
		return -ENOMEM;
	}
	for (i = 0; i < count; i++) {
		u32 next = (i + 1) & (count - 1);

		ring->descriptors[i].source =
			cpu_to_le64(ring->writebacks_bus + i * sizeof(*ring->writebacks));
		ring->descriptors[i].next =
			cpu_to_le64(ring->descriptors_bus + next * sizeof(*ring->descriptors));
	}
	return 0;
}

/* Rings only grow: a larger one serves a smaller buffer too. */
static int xdma_prepare(struct grabber_card *card, u32 ranges)
{
	struct xdma *xdma = card->board_data;
	struct xdma_ring ring = { };
	int err;

	if (ranges <= xdma->ring.count)
		return 0;
	err = ring_alloc(card->dev, &ring, roundup_pow_of_two(ranges));
	if (err) {
		dev_err_ratelimited(card->dev, "no memory for %u descriptors: use fewer slots\n",
				    ranges);
		return err;
	}
	swap(xdma->ring, ring);
	ring_free(card->dev, &ring);
	return 0;
}

static bool is_core(void __iomem *regs)
{
	return is_block(regs, XDMA_IRQ, XDMA_ID_IRQ) &&
	       is_block(regs, XDMA_CONFIG, XDMA_ID_CONFIG);
}

/*
 * The blocks are in whichever BARs the designer put them: map one after another,
 * but for the one that is @taken, until @is_it says yes.
 *
 * Return: the BAR's number; -ENODEV; -ENOMEM, which has been said.
 */
static int find_bar(struct grabber_card *card, size_t size, int taken,
		    bool (*is_it)(void __iomem *regs), void __iomem **found)
{
	int bar;

	for (bar = 0; bar < GRABBER_BARS; bar++) {
		void __iomem *regs;

		if (bar == taken)
			continue;
		regs = grabber_pci_map(card->function, bar, size);
		if (IS_ERR(regs) && PTR_ERR(regs) != -ENODEV)
			return PTR_ERR(regs);
		if (IS_ERR(regs))
			continue;
		if (is_it(regs)) {
			*found = regs;
			return bar;
		}
		grabber_pci_unmap(card->function, bar, regs);
	}
	return -ENODEV;
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
		dev_err(card->dev, "the video source has frames of %u bytes: not 1 to %u\n",
			format->sizeimage, GRABBER_SLOT_SIZE_MAX);
		return -EINVAL;
	}
	return 0;
}

/* Cards of the same vendor that are something else stay free for their own driver. */
static int leave_alone(struct grabber_card *card, const char *why)
{
	dev_info(card->dev, "%s: left alone\n", why);
	return -ENODEV;
}

static int xdma_probe(struct grabber_card *card)
{
	struct xdma *xdma = devm_kzalloc(card->dev, sizeof(*xdma), GFP_KERNEL);
	int core_bar, source_bar;
	u32 h2c = 0;

	if (!xdma)
		return -ENOMEM;
	card->board_data = xdma;
	core_bar = find_bar(card, XDMA_BAR_SIZE, -1, is_core, &xdma->core);
	if (core_bar == -ENODEV)
		return leave_alone(card, "no XDMA core in this Xilinx card");
	if (core_bar < 0)
		return core_bar;
	grabber_pci_private(card->function, core_bar);
	if (!is_block(xdma->core, XDMA_C2H, XDMA_ID_C2H) ||
	    !(readl(xdma->core + XDMA_C2H) & XDMA_ID_STREAM))
		return leave_alone(card, "an XDMA core without an AXI4-Stream C2H channel 0");
	source_bar = find_bar(card, VS_LOG + VS_LOG_ENTRIES * VS_LOG_ENTRY_SIZE, core_bar,
			      xdma_is_source, &xdma->source);
	if (source_bar == -ENODEV)
		return leave_alone(card, "an XDMA core without a grabber video source");
	if (source_bar < 0)
		return source_bar;
	card->bar = source_bar;

	while (h2c < XDMA_CHANNELS_MAX &&
	       is_block(xdma->core, XDMA_H2C + h2c * XDMA_CHANNEL_SPACING, XDMA_ID_H2C))
		h2c++;
	xdma->channel_bit = BIT(h2c);
	/* Frames are counted from here on: none may be on its way. */
	xdma_quiet(card);
	xdma_count_first(xdma);
	return read_format(card, xdma);
}

const struct grabber_board grabber_board_xdma = {
	.name = "xdma",
	.dma_bits = 64,
	.bar = -1,
	.cuts_frames = true,
	.queue_max = VS_LOG_ENTRIES,
	.probe = xdma_probe,
	.prepare = xdma_prepare,
	.quiet = xdma_quiet,
	.start = xdma_start,
	.stop = xdma_stop,
	.forget = xdma_forget,
	.queue = xdma_queue,
	.interrupt = xdma_interrupt,
	.poll = xdma_poll,
	.mask = xdma_mask,
};
