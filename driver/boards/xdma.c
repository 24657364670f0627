// SPDX-License-Identifier: GPL-2.0-only
/*
 * FPGA cards built on Xilinx's XDMA core (xdma_regs.h) with the grabber video
 * source beside it (video_source.h): one AXI4-Stream packet a frame, on C2H
 * channel 0.
 *
 * Descriptors stand in a ring that the engine runs round without end. It takes
 * them by credit, one for each range of each slot that the core queued, so it is
 * never ahead of what it may write, and a slot that a reader holds is just not in
 * the ring. What it wrote comes back by write-back: length, and end of packet.
 *
 * A packet ends inside a descriptor, and the next one begins in the next
 * descriptor, not in the next slot. So after a short frame in a slot of several
 * ranges the following frames would lie askew: then the engine is started anew at
 * the head of a slot. Slots of one range never need that.
 */
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/log2.h>

#include "boards/video_source.h"
#include "boards/xdma_regs.h"
#include "card.h"

#define BARS			6
#define IDLE_TIMEOUT_US		50000

/**
 * struct xdma_range - what a descriptor stands for
 * @slot: its slot
 * @last: it is the last of the slot
 */
struct xdma_range {
	u16 slot;
	bool last;
};

/**
 * struct xdma_ring - memory that the engine runs round in
 * @descriptors: the ring, @count of them
 * @descriptors_bus: its bus address
 * @writebacks: one for each descriptor
 * @writebacks_bus: their bus address
 * @ranges: one for each descriptor
 * @count: a power of two
 */
struct xdma_ring {
	struct xdma_descriptor *descriptors;
	dma_addr_t descriptors_bus;
	struct xdma_writeback *writebacks;
	dma_addr_t writebacks_bus;
	struct xdma_range *ranges;
	u32 count;
};

/**
 * struct xdma - state of one card
 * @core: registers of the core
 * @source: registers of the video source
 * @channel_bit: our bit in the interrupt block
 * @ring: the descriptors
 * @head: oldest descriptor that is not finished; counts without end, as the next two
 * @tail: next one to be filled
 * @credited: next one that the engine has no credit for
 * @started: the engine is on
 * @stopping: the source was told to stop: a packet that is too short now was cut off
 * @cause: why it was told so
 * @askew: frames do not begin with slots any more, or the engine failed
 * @surplus: the current packet was longer than its slot
 * @slot: slot of the current packet
 * @bytes: bytes of it so far
 * @packets: packets since the start; names the place in the source's log
 * @expected: number of the frame that should come next
 * @overruns: of the source's count of overruns, those that are accounted for
 */
struct xdma {
	void __iomem *core;
	void __iomem *source;
	u32 channel_bit;
	struct xdma_ring ring;
	u32 head;
	u32 tail;
	u32 credited;
	bool started;
	bool stopping;
	enum grabber_loss cause;
	bool askew;
	bool surplus;
	u32 slot;
	u32 bytes;
	u32 packets;
	u64 expected;
	u64 overruns;
};

static u64 read_counter(struct xdma *xdma, u32 offset)
{
	u64 low = readl(xdma->source + offset);

	return low | (u64)readl(xdma->source + offset + 4) << 32;
}

static bool is_source(void __iomem *regs)
{
	return readl(regs + VS_ID) == VS_ID_MAGIC;
}

/* Let the engine have what was queued, as far as it can count. */
static void give_credits(struct xdma *xdma)
{
	u32 waiting = xdma->tail - xdma->credited;
	u32 room = XDMA_CREDITS_MAX - (xdma->credited - xdma->head);
	u32 credits = min(waiting, room);

	/* Credits that came after the engine's stop would be its at the next start,
	 * and let it run into descriptors that are not filled yet.
	 */
	if (!xdma->started || xdma->stopping || !credits)
		return;
	/* writel() comes after the descriptors in memory. */
	writel(credits, xdma->core + XDMA_C2H_CREDITS);
	xdma->credited += credits;
}

static void xdma_queue(struct grabber_card *card, u32 slot)
{
	struct xdma *xdma = card->board_data;
	const struct sg_table *sgt = &card->buffer.slots[slot].sgt;
	/* Rounded up into the rest of the slot's last page. */
	u32 left = ALIGN(card->buffer.slot_size, XDMA_LENGTH_UNIT);
	struct scatterlist *range;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, range, i) {
		u32 at = xdma->tail++ & (xdma->ring.count - 1);
		struct xdma_descriptor *descriptor = &xdma->ring.descriptors[at];
		u32 bytes = min(left, sg_dma_len(range));

		left -= bytes;
		xdma->ring.ranges[at] = (struct xdma_range) { .slot = slot, .last = !left };
		xdma->ring.writebacks[at].status = 0;
		descriptor->control = cpu_to_le32(XDMA_DESC_MAGIC |
						  (left ? 0 : XDMA_DESC_COMPLETED));
		descriptor->bytes = cpu_to_le32(bytes);
		descriptor->destination = cpu_to_le64(sg_dma_address(range));
	}
	give_credits(xdma);
}

/*
 * The source began frames that did not come. Overruns it counts itself: no slot
 * was there. What is left has the cause that the caller knows.
 */
static void account_gap(struct grabber_card *card, u64 frames, enum grabber_loss cause)
{
	struct xdma *xdma = card->board_data;
	u64 overruns;

	if (!frames)
		return;
	overruns = min(frames, read_counter(xdma, VS_OVERRUN) - xdma->overruns);
	xdma->overruns += overruns;
	xdma->expected += frames;
	grabber_frames_lost(card, GRABBER_LOSS_NO_SLOT, overruns);
	grabber_frames_lost(card, cause, frames - overruns);
}

static void packet_ended(struct grabber_card *card, bool truncated, ktime_t when)
{
	struct xdma *xdma = card->board_data;
	bool is_short;
	u32 entry = xdma->packets++ % VS_LOG_ENTRIES;
	u32 sequence = readl(xdma->source + VS_LOG + entry * VS_LOG_ENTRY_SIZE +
			     VS_LOG_SEQUENCE);

	if (xdma->bytes > card->buffer.slot_size) {
		xdma->bytes = card->buffer.slot_size;
		truncated = true;
	}
	is_short = !truncated && xdma->bytes < card->format.sizeimage;
	/* The lower half is enough to see a jump. All ones: the card just left. */
	if (sequence != ~0U || is_source(xdma->source))
		account_gap(card, sequence - (u32)xdma->expected, GRABBER_LOSS_CARD);
	xdma->expected++;
	if (is_short && xdma->stopping) {
		grabber_frames_lost(card, xdma->cause, 1);
		grabber_slot_unused(card, xdma->slot);
	} else {
		grabber_frame_done(card, xdma->slot, xdma->bytes,
				   truncated ? GRABBER_FRAME_TRUNCATED :
				   is_short ? GRABBER_FRAME_SHORT : 0, when);
	}
	xdma->bytes = 0;
}

/* Stop believing the ring, and have the engine started anew. */
static void give_up_ring(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;

	xdma->askew = true;
	if (!xdma->stopping)
		grabber_card_recover(card);
}

static void descriptor_done(struct grabber_card *card, const struct xdma_range *range,
			    u32 bytes, bool eop, ktime_t when)
{
	struct xdma *xdma = card->board_data;
	bool surplus = xdma->surplus;
	u32 slot = range->slot;
	bool last = range->last;

	if (!surplus) {
		xdma->slot = slot;
		xdma->bytes += bytes;
	}
	/* A packet goes on behind its slot's end: that much of it is not kept. */
	xdma->surplus = !eop && (surplus || last);
	if (eop)
		packet_ended(card, surplus, when);
	if (surplus && last)
		grabber_slot_unused(card, slot);
	if (eop && !last)
		give_up_ring(card);
}

static void reap(struct grabber_card *card, ktime_t when)
{
	struct xdma *xdma = card->board_data;

	while (xdma->head != xdma->tail && !xdma->askew) {
		u32 at = xdma->head & (xdma->ring.count - 1);
		const struct xdma_writeback *writeback = &xdma->ring.writebacks[at];
		u32 status = le32_to_cpu(READ_ONCE(writeback->status));
		struct xdma_range range = xdma->ring.ranges[at];

		if ((status & XDMA_WRITEBACK_MASK) != XDMA_WRITEBACK_MAGIC)
			break;
		/* The length, and the frame itself, were written before the status. */
		dma_rmb();
		xdma->head++;
		descriptor_done(card, &range, le32_to_cpu(writeback->length),
				status & XDMA_WRITEBACK_EOP, when);
	}
	give_credits(xdma);
}

static bool xdma_interrupt(struct grabber_card *card, ktime_t when)
{
	struct xdma *xdma = card->board_data;
	u32 status = readl(xdma->core + XDMA_C2H_STATUS_RC);

	if (status == ~0U || !(status & XDMA_INTERRUPTS))
		return false;
	if (!xdma->started)
		return true;
	reap(card, when);
	if ((status & XDMA_STATUS_ERRORS) && !xdma->askew) {
		dev_err_ratelimited(card->dev,
				    "DMA engine error, status %#x:%s%s%s%s%s: starting it anew\n",
				    status,
				    status & XDMA_STATUS_ALIGNMENT ? " alignment" : "",
				    status & XDMA_STATUS_MAGIC ? " no descriptor" : "",
				    status & XDMA_STATUS_LENGTH ? " length" : "",
				    status & XDMA_STATUS_READ_ERROR ? " stream read" : "",
				    status & XDMA_STATUS_DESC_ERROR ? " descriptor fetch" : "");
		give_up_ring(card);
	}
	return true;
}

/* The interrupt may be lost while the write-back is there: look at that. */
static bool xdma_poll(struct grabber_card *card, ktime_t when)
{
	struct xdma *xdma = card->board_data;

	if (!xdma_interrupt(card, when) && xdma->started)
		reap(card, when);
	return false;
}

static void forget_slots(struct xdma *xdma)
{
	xdma->head = 0;
	xdma->tail = 0;
	xdma->credited = 0;
	xdma->started = false;
	xdma->stopping = false;
	xdma->askew = false;
	xdma->surplus = false;
	xdma->bytes = 0;
	xdma->packets = 0;
}

/* First what makes frames, then what moves them. */
static void quiet_engine(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;
	u32 status;

	writel(0, xdma->source + VS_CONTROL);
	writel(XDMA_CONTROL_RUN, xdma->core + XDMA_C2H_CONTROL_W1C);
	if (readl_poll_timeout(xdma->core + XDMA_C2H_STATUS, status,
			       status == ~0U || !(status & XDMA_STATUS_BUSY),
			       10, IDLE_TIMEOUT_US))
		dev_warn_ratelimited(card->dev,
				     "the DMA engine did not stop (status %#x): its way to memory is closed\n",
				     status);
	/* Whatever it still meant to do: it cannot, until the next start. */
	grabber_pci_allow_dma(card, false);
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

	if (!is_source(xdma->source)) {
		spin_lock_irq(&card->wait.lock);
		forget_slots(xdma);
		spin_unlock_irq(&card->wait.lock);
		return -EIO;
	}
	/* It may run: the last stop did not reach it, or nobody stopped it at all. */
	quiet_engine(card);
	grabber_pci_allow_dma(card, true);
	start_engine(xdma);
	spin_lock_irq(&card->wait.lock);
	xdma->expected = read_counter(xdma, VS_BEGUN);
	xdma->overruns = read_counter(xdma, VS_OVERRUN);
	xdma->started = true;
	give_credits(xdma);
	spin_unlock_irq(&card->wait.lock);
	writel(VS_CONTROL_RUN, xdma->source + VS_CONTROL);
	return 0;
}

static void xdma_stop(struct grabber_card *card, enum grabber_loss cause)
{
	struct xdma *xdma = card->board_data;

	spin_lock_irq(&card->wait.lock);
	xdma->stopping = true;
	xdma->cause = cause;
	spin_unlock_irq(&card->wait.lock);
	quiet_engine(card);
	spin_lock_irq(&card->wait.lock);
	reap(card, ktime_get());
	if (is_source(xdma->source))
		account_gap(card, read_counter(xdma, VS_BEGUN) - xdma->expected, cause);
	forget_slots(xdma);
	spin_unlock_irq(&card->wait.lock);
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

static bool is_block(void __iomem *core, u32 offset, u32 id)
{
	return (readl(core + offset) & XDMA_ID_BLOCK_MASK) == id;
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

	for (bar = 0; bar < BARS; bar++) {
		void __iomem *regs;

		if (bar == taken)
			continue;
		regs = grabber_pci_map(card, bar, size);
		if (IS_ERR(regs) && PTR_ERR(regs) != -ENODEV)
			return PTR_ERR(regs);
		if (!IS_ERR(regs) && is_it(regs)) {
			*found = regs;
			return bar;
		}
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
	card->serial = read_counter(xdma, VS_SERIAL);
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
	if (!is_block(xdma->core, XDMA_C2H, XDMA_ID_C2H) ||
	    !(readl(xdma->core + XDMA_C2H) & XDMA_ID_STREAM))
		return leave_alone(card, "an XDMA core without an AXI4-Stream C2H channel 0");
	source_bar = find_bar(card, VS_LOG + VS_LOG_ENTRIES * VS_LOG_ENTRY_SIZE, core_bar,
			      is_source, &xdma->source);
	if (source_bar == -ENODEV)
		return leave_alone(card, "an XDMA core without a grabber video source");
	if (source_bar < 0)
		return source_bar;
	card->window.bar = source_bar;

	while (h2c < XDMA_CHANNELS_MAX &&
	       is_block(xdma->core, XDMA_H2C + h2c * XDMA_CHANNEL_SPACING, XDMA_ID_H2C))
		h2c++;
	xdma->channel_bit = BIT(h2c);
	/* Frames are counted from here on: none may be on its way. */
	quiet_engine(card);
	return read_format(card, xdma);
}

const struct grabber_board grabber_board_xdma = {
	.name = "xdma",
	.dma_bits = 64,
	.bar = -1,
	.cuts_frames = true,
	.probe = xdma_probe,
	.prepare = xdma_prepare,
	.start = xdma_start,
	.stop = xdma_stop,
	.queue = xdma_queue,
	.interrupt = xdma_interrupt,
	.poll = xdma_poll,
};
