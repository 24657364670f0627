// SPDX-License-Identifier: GPL-2.0-only
/*
 * FPGA cards built on Xilinx's XDMA core (xdma_regs.h): each AXI4-Stream C2H channel is
 * a card. Where the grabber video source (video_source.h) feeds it, it sends one packet
 * a frame and says which. Here: how a channel is started and stopped.
 */
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/log2.h>

#include "boards/xdma.h"

/* How long an engine may take to stop. It fills the descriptor that it is at, or the
 * packet ends: the video source sees to that, but other streams go on as they do.
 */
#define IDLE_TIMEOUT_US		50000
#define IDLE_TIMEOUT_STREAM_US	USEC_PER_SEC
/* One that had its time may be asked again and again, while others wait. */
#define IDLE_AGAIN_US		100

static void xdma_forget(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;

	xdma->head = 0;
	xdma->tail = 0;
	xdma->credited = 0;
	xdma->started = false;
	xdma->fed = false;
	xdma->stopping = false;
	xdma->askew = false;
	xdma->errors = 0;
	xdma->ahead = false;
	xdma->surplus = false;
	xdma->bytes = 0;
	xdma->packets = 0;
}

/**
 * xdma_quiet() - quiet() of struct grabber_board
 * @card: the card
 *
 * First what makes frames, then what moves them.
 *
 * Return: 0 or -EBUSY.
 */
int xdma_quiet(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;
	u32 wait = xdma->overdue ? IDLE_AGAIN_US :
		   xdma->source ? IDLE_TIMEOUT_US : IDLE_TIMEOUT_STREAM_US;
	u32 status;
	int err;

	if (xdma->source)
		writel(0, xdma->source + VS_CONTROL);
	writel(XDMA_CONTROL_RUN, xdma->c2h + XDMA_C2H_CONTROL_W1C);
	err = readl_poll_timeout(xdma->c2h + XDMA_C2H_STATUS, status,
				 status == ~0U || !(status & XDMA_STATUS_BUSY),
				 10, wait);
	xdma->overdue = err;
	/* Of a card that does not answer nothing is known. */
	return err || !xdma_is_block(xdma->c2h, XDMA_ID_C2H) ? -EBUSY : 0;
}

/* In the interrupt block channels are numbered through: first all H2C, then C2H. All
 * channels share its registers; each writes the same.
 */
static void set_vectors(struct grabber_function *function)
{
	struct xdma_device *device = function->board_data;
	u32 words[XDMA_VECTOR_WORDS] = { };
	u32 i;

	for (i = 0; i < function->channels; i++) {
		u32 place = device->h2c + i;

		words[place / 4] |= grabber_vector(function, i) << place % 4 * 8;
	}
	for (i = 0; i < XDMA_VECTOR_WORDS; i++)
		writel(words[i], device->core + XDMA_IRQ_CHANNEL_VECTOR + 4 * i);
}

static void start_engine(struct xdma *xdma, u32 channel)
{
	void __iomem *core = xdma->core;

	readl(xdma->c2h + XDMA_C2H_STATUS_RC);
	writel(xdma->channel_bit, core + XDMA_IRQ_CHANNEL_W1S);
	writel(XDMA_INTERRUPTS, xdma->c2h + XDMA_C2H_INT_ENABLE);
	writel(lower_32_bits(xdma->ring.descriptors_bus), xdma->sgdma + XDMA_C2H_DESC_LOW);
	writel(upper_32_bits(xdma->ring.descriptors_bus), xdma->sgdma + XDMA_C2H_DESC_HIGH);
	writel(0, xdma->sgdma + XDMA_C2H_DESC_ADJACENT);
	/* Off and on again: that takes credits away which may be left over. */
	writel(XDMA_CREDIT_MODE_C2H(channel), core + XDMA_CREDIT_MODE_CLEAR);
	writel(XDMA_CREDIT_MODE_C2H(channel), core + XDMA_CREDIT_MODE_SET);
	writel(XDMA_INTERRUPTS | XDMA_CONTROL_RUN, xdma->c2h + XDMA_C2H_CONTROL);
}

static bool is_there(struct xdma *xdma)
{
	return xdma->source ? xdma_is_source(xdma->source) :
			      xdma_is_block(xdma->c2h, XDMA_ID_C2H);
}

static int xdma_start(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;

	if (!is_there(xdma))
		return -EIO;
	set_vectors(card->function);
	start_engine(xdma, card->channel);
	spin_lock_irq(&card->wait.lock);
	if (xdma->source)
		xdma_count_start(card);
	xdma->started = true;
	xdma_give_credits(card);
	spin_unlock_irq(&card->wait.lock);
	/* It may have left on the way here: then what was read of it is of no use. */
	if (!is_there(xdma))
		return -EIO;
	if (xdma->source)
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
	if (xdma->source)
		xdma_count_stop(card, cause);
	else
		xdma_rest(card, cause);
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
static int xdma_prepare(struct grabber_card *card, u32 slots, u32 ranges, u32 bytes)
{
	struct xdma *xdma = card->board_data;
	u32 count = slots * (ranges + bytes / xdma_piece(card, bytes));
	struct xdma_ring ring = { };
	int err;

	if (count <= xdma->ring.count)
		return 0;
	err = ring_alloc(card->dev, &ring, roundup_pow_of_two(count));
	if (err) {
		dev_err_ratelimited(card->dev, "%sno memory for %u descriptors: use fewer slots\n",
				    card->label, count);
		return err;
	}
	swap(xdma->ring, ring);
	ring_free(card->dev, &ring);
	return 0;
}

/* The lines of the user logic, usr_irq_req of the core. What a reset took comes with it. */
static void xdma_let_lines(struct grabber_function *function, u32 lines)
{
	struct xdma_device *device = function->board_data;
	u32 vectors = grabber_lines_vector(function) * 0x01010101;
	u32 i;

	for (i = 0; i < GRABBER_IRQ_LINES; i += 4)
		writel(vectors, device->core + XDMA_IRQ_USER_VECTOR + i);
	writel(lines, device->core + XDMA_IRQ_USER_ENABLE);
}

static void xdma_mask_lines(struct grabber_function *function, u32 lines)
{
	struct xdma_device *device = function->board_data;

	writel(lines, device->core + XDMA_IRQ_USER_W1C);
	/* A line interrupt is down when the answer is here, or its handler would run again. */
	if (!function->messages)
		readl(device->core + XDMA_IRQ_USER_REQUEST);
}

static u32 xdma_lines_up(struct grabber_function *function)
{
	struct xdma_device *device = function->board_data;
	u32 lines = readl(device->core + XDMA_IRQ_USER_REQUEST);

	return lines == ~0U ? 0 : lines;
}

const struct grabber_board grabber_board_xdma = {
	.name = "xdma",
	.dma_bits = 64,
	.bar = -1,
	.cuts_frames = true,
	.find = xdma_find,
	.probe = xdma_probe,
	.prepare = xdma_prepare,
	.quiet = xdma_quiet,
	.start = xdma_start,
	.stop = xdma_stop,
	.forget = xdma_forget,
	.queue = xdma_queue,
	.interrupt = xdma_interrupt,
	.lines = GRABBER_IRQ_LINES,
	.let_lines = xdma_let_lines,
	.mask_lines = xdma_mask_lines,
	.lines_up = xdma_lines_up,
	.poll = xdma_poll,
	.mask = xdma_mask,
};
