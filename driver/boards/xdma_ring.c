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
 *
 * Where a frame is a slot full (GRABBER_FRAMING_SLOT), a slot goes to the engine in
 * pieces: when it is stopped it fills the piece that it is at, and no more than that of
 * the stream has to come before it is quiet.
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

/* Pieces of a slot that is to be filled. */
#define PIECES		16

/**
 * xdma_piece() - the most that one descriptor may have
 * @card: the card
 * @slot_size: bytes of its slots
 *
 * Return: bytes, whole pages.
 */
u32 xdma_piece(const struct grabber_card *card, u32 slot_size)
{
	if (card->framing != GRABBER_FRAMING_SLOT)
		return ALIGN_DOWN(U32_MAX, PAGE_SIZE);
	return max_t(u32, ALIGN(slot_size / PIECES, PAGE_SIZE), PAGE_SIZE);
}

/* The engine has filled all that it had: as far as was looked, or since. */
static bool ran_out(const struct xdma *xdma)
{
	u32 at = (xdma->credited - 1) & (xdma->ring.count - 1);

	if (xdma->head == xdma->credited)
		return true;
	return (le32_to_cpu(READ_ONCE(xdma->ring.writebacks[at].status)) &
		XDMA_WRITEBACK_MASK) == XDMA_WRITEBACK_MAGIC;
}

/**
 * xdma_give_credits() - let the engine have what was queued, as far as it can count
 * @card: the card; its lock is held
 */
void xdma_give_credits(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;
	u32 waiting = xdma->tail - xdma->credited;
	u32 room = XDMA_CREDITS_MAX - (xdma->credited - xdma->head);
	u32 credits = min(waiting, room);

	/* Credits that came after the engine's stop would be its at the next start,
	 * and let it run into descriptors that are not filled yet.
	 */
	if (!xdma->started || xdma->stopping || !credits)
		return;
	if (xdma->fed && !xdma->errors && ran_out(xdma))
		grabber_stalled(card);
	xdma->fed = true;
	/* writel() comes after the descriptors in memory. */
	writel(credits, xdma->sgdma + XDMA_C2H_CREDITS);
	xdma->credited += credits;
}

/* @left: bytes of the slot from here on */
static void add_descriptor(struct xdma *xdma, u32 slot, u64 address, u32 bytes, u32 left)
{
	u32 at = xdma->tail++ & (xdma->ring.count - 1);
	struct xdma_descriptor *descriptor = &xdma->ring.descriptors[at];
	bool tells = bytes == left || !(xdma->tail % TELL_DESCRIPTORS);

	xdma->ring.ranges[at] = (struct xdma_range) {
		.slot = slot, .last = bytes == left, .tells = tells,
	};
	xdma->ring.writebacks[at].status = 0;
	descriptor->control = cpu_to_le32(XDMA_DESC_MAGIC | (tells ? XDMA_DESC_COMPLETED : 0));
	descriptor->bytes = cpu_to_le32(bytes);
	descriptor->destination = cpu_to_le64(address);
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
	u32 piece = xdma_piece(card, card->buffer.slot_size);
	/* Rounded up into the rest of the slot's last page. */
	u32 left = ALIGN(card->buffer.slot_size, XDMA_LENGTH_UNIT);
	struct scatterlist *range;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, range, i) {
		u64 address = sg_dma_address(range);
		u32 rest = min(left, sg_dma_len(range));

		while (rest) {
			u32 bytes = min(rest, piece);

			add_descriptor(xdma, slot, address, bytes, left);
			address += bytes;
			rest -= bytes;
			left -= bytes;
		}
	}
	xdma_give_credits(card);
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
	is_short = xdma->source && !truncated && xdma->bytes < card->format.sizeimage;
	if (!xdma->source)
		xdma->packets++;
	if (xdma->source && !xdma_count_packet(card, sure)) {
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

/* Of a packet. */
static void range_done(struct grabber_card *card, const struct xdma_range *range,
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

/* What a descriptor could take. */
static u32 piece_bytes(const struct xdma *xdma, u32 at)
{
	return le32_to_cpu(xdma->ring.descriptors[at].bytes);
}

static void say_hole(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;

	if (!xdma->holed)
		dev_warn(card->dev,
			 "%sthe stream has ends of packets (tlast) in the middle of slots: bytes are lost after each; framing=packet is for such streams\n",
			 card->label);
	xdma->holed = true;
}

/* Of a slot that is to be filled. @whole: the piece was filled */
static void piece_done(struct grabber_card *card, const struct xdma_range *range,
		       u32 bytes, bool whole, ktime_t when)
{
	struct xdma *xdma = card->board_data;

	xdma->slot = range->slot;
	xdma->bytes += bytes;
	if (whole && !range->last)
		return;
	xdma->packets++;
	grabber_frame_done(card, xdma->slot, xdma->bytes, whole ? 0 : GRABBER_FRAME_SHORT, when);
	xdma->bytes = 0;
	if (!whole && !range->last) {
		say_hole(card);
		give_up_ring(card);
	}
}

/**
 * xdma_rest() - a stream without a video source was stopped: what came of the last frame
 * @card: the card; its lock is held
 * @cause: why it was stopped
 */
void xdma_rest(struct grabber_card *card, enum grabber_loss cause)
{
	struct xdma *xdma = card->board_data;

	if (card->framing == GRABBER_FRAMING_SLOT) {
		if (xdma->bytes)
			grabber_frame_done(card, xdma->slot, xdma->bytes, GRABBER_FRAME_SHORT, 0);
	} else if (xdma->surplus) {
		grabber_frame_done(card, xdma->slot, card->buffer.slot_size,
				   GRABBER_FRAME_TRUNCATED, 0);
	} else if (xdma->bytes) {
		grabber_frames_lost(card, cause, 1);
	}
	xdma->bytes = 0;
	xdma->surplus = false;
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
	bool pieces = card->framing == GRABBER_FRAMING_SLOT;
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
		bool ends = pieces ? range.last : eop;
		ktime_t time = told;
		u32 bytes;

		if ((status & XDMA_WRITEBACK_MASK) != XDMA_WRITEBACK_MAGIC)
			break;
		if (ends && !told) {
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
		bytes = le32_to_cpu(writeback->length);
		if (pieces)
			piece_done(card, &range, bytes, bytes == piece_bytes(xdma, at), time);
		else
			range_done(card, &range, bytes, eop, time);
		if (range.tells) {
			xdma->ahead |= !told;
			told = 0;
		}
	}
	xdma_give_credits(card);
	return more;
}

static void say_errors(struct grabber_card *card)
{
	u32 status = ((struct xdma *)card->board_data)->errors;

	if (!__ratelimit(&errors_told))
		return;
	dev_err(card->dev, "%sDMA engine error, status %#x:%s%s%s%s%s: starting it anew\n",
		card->label, status,
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
	u32 status = readl(xdma->c2h + XDMA_C2H_STATUS_RC);

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
	u32 status = readl(xdma->c2h + XDMA_C2H_STATUS_RC);

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
