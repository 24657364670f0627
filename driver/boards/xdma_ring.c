// SPDX-License-Identifier: GPL-2.0-only
/*
 * Board xdma: the ring of descriptors at work.
 *
 * The engine runs round it without end. It takes descriptors by credit, one for each
 * range of each slot that the core queued, so it is never ahead of what it may write,
 * and a slot that a reader holds is just not in the ring. What it wrote comes back by
 * write-back: length, and end of packet.
 *
 * A packet ends inside a descriptor, and the next one begins in the next
 * descriptor, not in the next slot. So after a short frame in a slot of several
 * ranges the following frames would lie askew: then the engine is started anew at
 * the head of a slot. Slots of one range never need that.
 */
#include <linux/ratelimit.h>

#include "boards/xdma.h"

/* What one look may take before the rest is left to a thread: interrupts are off. The
 * time is for frames after the first, whatever makes them slow.
 */
#define LOOK_FRAMES		8
#define LOOK_DESCRIPTORS	512
#define LOOK_NS			NSEC_PER_MSEC
/* Slots may have more ranges than the engine can be given at a time: it tells when so
 * many are done, that it be given others.
 */
#define TELL_DESCRIPTORS	256

/* Errors that come again and again are told of now and then. */
static DEFINE_RATELIMIT_STATE(errors_told, 60 * HZ, 10);

/**
 * xdma_give_credits() - let the engine have what was queued, as far as it can count
 * @xdma: the card; its lock is held
 */
void xdma_give_credits(struct xdma *xdma)
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

/**
 * xdma_queue() - queue() of struct grabber_board
 * @card: the card; its lock is held
 * @slot: what it may write
 */
void xdma_queue(struct grabber_card *card, u32 slot)
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
		bool tells = bytes == left || !(xdma->tail % TELL_DESCRIPTORS);

		left -= bytes;
		xdma->ring.ranges[at] = (struct xdma_range) {
			.slot = slot, .last = !left, .tells = tells,
		};
		xdma->ring.writebacks[at].status = 0;
		descriptor->control = cpu_to_le32(XDMA_DESC_MAGIC |
						  (tells ? XDMA_DESC_COMPLETED : 0));
		descriptor->bytes = cpu_to_le32(bytes);
		descriptor->destination = cpu_to_le64(sg_dma_address(range));
	}
	xdma_give_credits(xdma);
}

/* Stop believing the ring, and have the engine started anew. */
static void give_up_ring(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;

	xdma->askew = true;
	if (!xdma->stopping)
		grabber_card_recover(card);
}

static void packet_ended(struct grabber_card *card, bool truncated, ktime_t when)
{
	struct xdma *xdma = card->board_data;
	/* A packet for each descriptor may have followed. */
	bool sure = xdma->credited - xdma->head < VS_LOG_ENTRIES;
	bool is_short;

	if (xdma->bytes > card->buffer.slot_size) {
		xdma->bytes = card->buffer.slot_size;
		truncated = true;
	}
	is_short = !truncated && xdma->bytes < card->format.sizeimage;
	if (!xdma_count_packet(card, sure)) {
		/* It is among those that the restart finds lost. */
		grabber_slot_unused(card, xdma->slot);
		give_up_ring(card);
	} else if (is_short && xdma->stopping) {
		grabber_frames_lost(card, xdma->cause, 1);
		grabber_slot_unused(card, xdma->slot);
	} else {
		grabber_frame_done(card, xdma->slot, xdma->bytes,
				   truncated ? GRABBER_FRAME_TRUNCATED :
				   is_short ? GRABBER_FRAME_SHORT : 0, when);
	}
	xdma->bytes = 0;
}

static void descriptor_done(struct grabber_card *card, const struct xdma_range *range,
			    u32 bytes, bool eop, ktime_t when)
{
	struct xdma *xdma = card->board_data;
	bool surplus = xdma->surplus;
	u32 slot = range->slot;
	bool last = range->last;
	bool askew = eop && !last;

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
	if (askew)
		give_up_ring(card);
}

/**
 * xdma_reap() - see what the engine has finished
 * @card: the card; its lock is held
 * @when: time of the interrupt, 0: it is not told by one
 *
 * The time of the interrupt is that of the first descriptor that interrupts: it was
 * done by then. Later ones, and their frames, may have been finished since, and have
 * the time at which they are found. They may have raised an interrupt of their own,
 * which comes yet and tells of nothing: its time counts for no frame.
 *
 * Return: true when there is more than one look may take.
 */
bool xdma_reap(struct grabber_card *card, ktime_t when)
{
	struct xdma *xdma = card->board_data;
	u32 descriptors_end = xdma->head + LOOK_DESCRIPTORS;
	u32 packets_end = xdma->packets + LOOK_FRAMES;
	ktime_t told = xdma->ahead ? 0 : when;
	ktime_t time_end = 0;
	bool more = false;

	if (when)
		xdma->ahead = false;
	while (xdma->head != xdma->tail && !xdma->askew) {
		u32 at = xdma->head & (xdma->ring.count - 1);
		const struct xdma_writeback *writeback = &xdma->ring.writebacks[at];
		u32 status = le32_to_cpu(READ_ONCE(writeback->status));
		struct xdma_range range = xdma->ring.ranges[at];
		bool eop = status & XDMA_WRITEBACK_EOP;
		ktime_t time = told;

		if ((status & XDMA_WRITEBACK_MASK) != XDMA_WRITEBACK_MAGIC)
			break;
		if (eop && !told) {
			time = ktime_get();
			time_end = time_end ?: time + LOOK_NS;
		}
		more = xdma->head == descriptors_end || xdma->packets == packets_end ||
		       (time_end && time > time_end);
		if (more)
			break;
		/* The length, and the frame itself, were written before the status. */
		dma_rmb();
		xdma->head++;
		descriptor_done(card, &range, le32_to_cpu(writeback->length),
				eop, time);
		if (range.tells) {
			xdma->ahead |= !told;
			told = 0;
		}
	}
	xdma_give_credits(xdma);
	return more;
}

static void say_errors(struct grabber_card *card)
{
	u32 status = ((struct xdma *)card->board_data)->errors;

	if (!__ratelimit(&errors_told))
		return;
	dev_err(card->dev, "DMA engine error, status %#x:%s%s%s%s%s: starting it anew\n", status,
		status & XDMA_STATUS_ALIGNMENT ? " alignment" : "",
		status & XDMA_STATUS_MAGIC ? " no descriptor" : "",
		status & XDMA_STATUS_LENGTH ? " length" : "",
		status & XDMA_STATUS_READ_ERROR ? " stream read" : "",
		status & XDMA_STATUS_DESC_ERROR ? " descriptor fetch" : "");
}

static enum grabber_look look(struct grabber_card *card, u32 status, ktime_t when)
{
	struct xdma *xdma = card->board_data;

	xdma->errors |= status & XDMA_STATUS_ERRORS;
	/* An error interrupts, too: what did is not known. */
	if (xdma_reap(card, xdma->errors ? 0 : when))
		return GRABBER_LOOK_MORE;
	if (xdma->errors && !xdma->askew) {
		say_errors(card);
		give_up_ring(card);
	}
	return GRABBER_LOOK_DONE;
}

/**
 * xdma_interrupt() - interrupt() of struct grabber_board
 * @card: the card; its lock is held
 * @when: time of the interrupt
 *
 * Return: what a look at the card found.
 */
enum grabber_look xdma_interrupt(struct grabber_card *card, ktime_t when)
{
	struct xdma *xdma = card->board_data;
	u32 status = readl(xdma->core + XDMA_C2H_STATUS_RC);

	if (status == ~0U || !(status & XDMA_INTERRUPTS))
		return GRABBER_LOOK_NONE;
	return xdma->started ? look(card, status, when) : GRABBER_LOOK_DONE;
}

/**
 * xdma_poll() - poll() of struct grabber_board
 * @card: the card; its lock is held
 *
 * The interrupt may be lost while the write-back is there: look at that.
 *
 * Return: what the look found.
 */
enum grabber_look xdma_poll(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;
	u32 status = readl(xdma->core + XDMA_C2H_STATUS_RC);

	if (!xdma->started)
		return GRABBER_LOOK_NONE;
	return look(card, status == ~0U ? 0 : status, 0);
}

/**
 * xdma_mask() - mask() of struct grabber_board
 * @card: the card; its lock is held
 * @mask: keep its interrupt back
 */
void xdma_mask(struct grabber_card *card, bool mask)
{
	struct xdma *xdma = card->board_data;

	writel(xdma->channel_bit, xdma->core + (mask ? XDMA_IRQ_CHANNEL_W1C :
						       XDMA_IRQ_CHANNEL_W1S));
}
