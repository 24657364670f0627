// SPDX-License-Identifier: GPL-2.0-only
/*
 * Board xdma: what the video source says of its frames, and what of it is believed.
 *
 * The source numbers frames as it begins them, and its log has the number of each
 * packet: a jump is a loss. All such counts are bounded by BEGUN, of which @counted
 * is the part that is accounted for already, whatever happens: so each frame that
 * the source began is counted once, also those of the time while capture is off,
 * and none that it did not begin.
 *
 * Numbers may make no sense: the source was reset and counts from 0 again, or the
 * card is just leaving the bus. Then nothing is counted for them; the next frame
 * has the discontinuity flag, and the kernel log one line.
 *
 * The log is a ring: entry n is that of packet n + VS_LOG_ENTRIES next. No more slots
 * than it has entries are with the card (queue_max), and one packet takes one slot at
 * least. So while the oldest packet is looked at, VS_LOG_ENTRIES - 1 others can have
 * ended, and none is in its place. This does not hold where slots have several ranges,
 * for a packet that ends in the middle of its slot leaves the others to those behind it:
 * as many packets may follow as descriptors, and each entry must be looked at with care.
 * When one is lost, the ring is given up, as it is after the packet that was too short.
 */
#include "boards/xdma.h"

/* Of 64 bits each half may read as all ones, if the card left or came back in between. */
#define READ_TRIES	3

static u32 log_entry(u32 packet)
{
	return VS_LOG + packet % VS_LOG_ENTRIES * VS_LOG_ENTRY_SIZE + VS_LOG_SEQUENCE;
}

/**
 * xdma_read_counter() - read 64 bits of the source
 * @xdma: the card
 * @offset: of the low half
 * @value: what it reads as
 *
 * Return: false when the card is not there.
 */
bool xdma_read_counter(struct xdma *xdma, u32 offset, u64 *value)
{
	u32 low, high;
	int i;

	for (i = 0; i < READ_TRIES; i++) {
		low = readl(xdma->source + offset);
		high = readl(xdma->source + offset + 4);
		if (low != ~0U && high != ~0U)
			break;
		if (!xdma_is_source(xdma->source))
			return false;
	}
	*value = low | (u64)high << 32;
	/* The low half may really be that, the high half never. */
	return high != ~0U;
}

static void doubt(struct grabber_card *card, const char *what)
{
	struct xdma *xdma = card->board_data;

	grabber_discontinuity(card);
	if (!xdma->doubted)
		dev_warn(card->dev,
			 "%sthe video source's frame numbers make no sense: %s; was it reset while it ran?\n",
			 card->label, what);
	xdma->doubted = true;
}

/* The source began frames that did not come. Overruns it counts itself: no slot
 * was there. What is left has the cause that the caller knows.
 */
static void lose(struct grabber_card *card, u64 frames, enum grabber_loss cause)
{
	struct xdma *xdma = card->board_data;
	u64 overruns = xdma->overruns, now;

	if (!frames)
		return;
	/* It went back where the source was reset. */
	if (xdma_read_counter(xdma, VS_OVERRUN, &now)) {
		overruns = now < overruns ? 0 : min(frames, now - overruns);
		xdma->overruns = now < xdma->overruns ? now : xdma->overruns + overruns;
	} else {
		overruns = 0;
	}
	xdma->counted += frames;
	grabber_frames_lost(card, GRABBER_LOSS_NO_SLOT, overruns);
	grabber_frames_lost(card, cause, frames - overruns);
}

/* Fewer frames were begun than are accounted for, or only as many and then a packet
 * more: the source counts from 0 again. (Its callers saw that this is a source: a BAR that
 * reads as 0 says nothing.)
 */
static void count_anew(struct grabber_card *card, u64 begun, u32 packets)
{
	struct xdma *xdma = card->board_data;

	doubt(card, "it has begun fewer than before");
	/* The log may have shown it before. */
	if (xdma->number + packets > begun)
		xdma->number = 0;
	xdma->counted = xdma->number;
}

/**
 * xdma_count_first() - a card was found: count from here on
 * @xdma: the card, stopped
 */
void xdma_count_first(struct xdma *xdma)
{
	if (!xdma_read_counter(xdma, VS_BEGUN, &xdma->counted))
		xdma->counted = 0;
}

/**
 * xdma_count_start() - capture starts, and the source does not run yet
 * @card: the card; its lock is held
 *
 * What it began since the last stop nobody can have, and only the card knows why.
 */
void xdma_count_start(struct grabber_card *card)
{
	struct xdma *xdma = card->board_data;
	u64 begun;

	xdma->doubted = false;
	xdma->last_number = readl(xdma->source + log_entry(VS_LOG_ENTRIES - 1));
	if (!xdma_read_counter(xdma, VS_BEGUN, &begun) ||
	    !xdma_read_counter(xdma, VS_OVERRUN, &xdma->overruns))
		return;
	/* It may have lost its power, or was reset: so there is nothing to wonder about. */
	if (begun < xdma->counted)
		xdma->counted = 0;
	lose(card, begun - xdma->counted, GRABBER_LOSS_CARD);
	xdma->number = begun;
}

static void number_jumped(struct grabber_card *card, u32 entry)
{
	struct xdma *xdma = card->board_data;
	u64 number, begun;

	if (!xdma_read_counter(xdma, entry, &number) ||
	    !xdma_read_counter(xdma, VS_BEGUN, &begun))
		return;
	/* This one must be among them. */
	if (begun <= xdma->counted) {
		if (!xdma_is_source(xdma->source))
			return;
		count_anew(card, begun, 1);
	}
	if (number >= begun) {
		doubt(card, "the log tells of a frame that was not begun");
	} else if (number < xdma->number) {
		doubt(card, "the log goes backwards");
		xdma->number = number;
	} else {
		lose(card, min(number - xdma->number, begun - 1 - xdma->counted),
		     GRABBER_LOSS_CARD);
		xdma->number = number;
	}
}

/**
 * xdma_count_packet() - a packet ended: count it, and what was lost before it
 * @card: the card; its lock is held
 * @sure: its entry in the log cannot be another packet's by now
 *
 * Return: false when nobody can say which frame it is.
 */
bool xdma_count_packet(struct grabber_card *card, bool sure)
{
	struct xdma *xdma = card->board_data;
	u32 packet = xdma->packets++;
	u32 entry = log_entry(packet);
	u32 number = readl(xdma->source + entry);

	/* What overwrites an entry overwrites the one before it first. */
	if (!sure && readl(xdma->source + log_entry(packet - 1)) != xdma->last_number)
		return false;
	xdma->last_number = number;
	if (number != (u32)xdma->number)
		number_jumped(card, entry);
	xdma->number++;
	xdma->counted++;
	return true;
}

/**
 * xdma_count_stop() - the source has stopped: what it began and did not send is lost
 * @card: the card; its lock is held
 * @cause: why it was stopped
 *
 * Where the card cannot be asked, xdma_count_start() does it.
 */
void xdma_count_stop(struct grabber_card *card, enum grabber_loss cause)
{
	struct xdma *xdma = card->board_data;
	u64 begun;

	if (!xdma_read_counter(xdma, VS_BEGUN, &begun))
		return;
	if (begun < xdma->counted) {
		if (!xdma_is_source(xdma->source))
			return;
		count_anew(card, begun, 0);
	}
	lose(card, begun - xdma->counted, cause);
}
