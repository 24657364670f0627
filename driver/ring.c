// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring: see ring.h for the ideas.
 */
#include <linux/bitmap.h>
#include <linux/math64.h>
#include <asm/barrier.h>
#include <uapi/linux/grabber.h>

#include "ring.h"
#include "status.h"

static u32 order_index(const struct grabber_ring *ring, u64 ordinal)
{
	u32 rem;

	div_u64_rem(ordinal, ring->nslots, &rem);
	return rem;
}

static void free_slot(struct grabber_ring *ring, u32 index)
{
	struct grabber_slot *slot = &ring->slots[index];

	slot->state = GRABBER_SLOT_FREE;
	slot->next_free = -1;
	if (ring->last_free >= 0)
		ring->slots[ring->last_free].next_free = index;
	else
		ring->first_free = index;
	ring->last_free = index;
}

/* Frames older than this have lost their place in @order, or never had one. */
static u64 first_ordinal(const struct grabber_ring *ring)
{
	u64 window = ring->ordinal > ring->nslots ? ring->ordinal - ring->nslots : 0;

	return ring->base > window ? ring->base : window;
}

/* A READY slot keeps its place until a frame that came a whole turn later gets it. */
static bool in_place(const struct grabber_ring *ring, u32 index)
{
	return ring->order[ring->slots[index].place] == index;
}

/* The first place with its bit set, from @start on and once round; -1 for none. */
static int first_place(const struct grabber_ring *ring, const unsigned long *bits, u32 start)
{
	u32 place = find_next_bit(bits, ring->nslots, start);

	if (place < ring->nslots)
		return place;
	place = find_next_bit(bits, start, 0);
	return place < start ? (int)place : -1;
}

/**
 * grabber_ring_init() - make a ring of FREE slots
 * @ring: the ring
 * @slots: room for @nslots slots, zeroed
 * @order: room for @nslots numbers
 * @status: zeroed status page for @nslots slots
 * @nslots: GRABBER_RING_SLOTS_MIN to GRABBER_RING_SLOTS_MAX
 *
 * A quarter of the slots is kept with the card: enough to cover a late
 * interrupt, and the rest is there for readers that are late.
 */
void grabber_ring_init(struct grabber_ring *ring, struct grabber_slot *slots,
		       u32 *order, struct grabber_status *status, u32 nslots)
{
	u32 i;

	*ring = (struct grabber_ring) {
		.slots = slots,
		.status = status,
		.order = order,
		.nslots = nslots,
		.queue_depth = nslots / 4 > 2 ? nslots / 4 : 2,
		.first_free = -1,
		.last_free = -1,
	};
	ring->hold_total = nslots - (nslots > GRABBER_RING_UNHELD ? GRABBER_RING_UNHELD :
				     GRABBER_RING_UNHELD_MIN);
	ring->hold_max = ring->hold_total > 1 ? ring->hold_total - 1 : ring->hold_total;
	for (i = 0; i < nslots; i++) {
		order[i] = i;
		slots[i].generation = 1;
		free_slot(ring, i);
	}
	grabber_status_init(status, nslots);
}

/**
 * grabber_ring_continue() - have a new ring count on where another one stopped
 * @ring: the new ring, with no frame yet
 * @before: the other one, none of whose slots is QUEUED or held
 *
 * Its frames are not there any more: to readers that did not take them they are
 * missed.
 */
void grabber_ring_continue(struct grabber_ring *ring, const struct grabber_ring *before)
{
	u32 i;

	ring->base = before->ordinal;
	ring->ordinal = before->ordinal;
	ring->place = order_index(ring, ring->ordinal);
	ring->sequence = before->sequence;
	ring->delivered = before->delivered;
	ring->truncated = before->truncated;
	for (i = 0; i < GRABBER_LOSS_CAUSES; i++)
		ring->lost[i] = before->lost[i];
	ring->stalls = before->stalls;
	ring->discontinuity = true;
	grabber_status_continue(ring);
}

static bool is_newest(const struct grabber_ring *ring, u32 index)
{
	return ring->slots[index].ordinal + 1 == ring->ordinal;
}

/* The oldest frame that nobody holds or reads, except the newest of all: readers that
 * keep up are just coming for that one. It is the last that the search comes to.
 */
static int oldest_idle(const struct grabber_ring *ring)
{
	int place = first_place(ring, ring->idle, ring->place);

	if (place < 0 || is_newest(ring, ring->order[place]))
		return -1;
	return ring->order[place];
}

/* A frame that a read() is in the middle of, except the newest. */
static int any_reading(const struct grabber_ring *ring)
{
	u32 index = find_next_bit(ring->reading, ring->nslots, 0);

	if (index < ring->nslots && is_newest(ring, index))
		index = find_next_bit(ring->reading, ring->nslots, index + 1);
	return index < ring->nslots ? (int)index : -1;
}

/* The frame's slot goes to the card. */
static void take_away(struct grabber_ring *ring, u32 index)
{
	struct grabber_slot *slot = &ring->slots[index];

	if (in_place(ring, index)) {
		__clear_bit(slot->place, ring->ready);
		__clear_bit(slot->place, ring->idle);
	}
	__clear_bit(index, ring->reading);
	slot->reads = 0;
}

/**
 * grabber_ring_choose() - the part of grabber_ring_queue() that is a call
 * @ring: the ring, whose card should get one more slot
 *
 * Return: the slot, now QUEUED; -1 when none can be had.
 */
int grabber_ring_choose(struct grabber_ring *ring)
{
	int index = ring->first_free;

	if (index >= 0) {
		ring->first_free = ring->slots[index].next_free;
		if (ring->first_free < 0)
			ring->last_free = -1;
	} else {
		index = oldest_idle(ring);
		/* Rather a slot less with the card than a read() that is cut off. */
		if (index < 0 && !ring->queued)
			index = any_reading(ring);
		if (index < 0)
			return -1;
		take_away(ring, index);
	}
	ring->slots[index].state = GRABBER_SLOT_QUEUED;
	ring->queued++;
	grabber_status_queued(ring, index);
	return index;
}

/**
 * grabber_ring_unqueue() - the card gives a slot back without a frame
 * @ring: the ring
 * @index: a QUEUED slot
 */
void grabber_ring_unqueue(struct grabber_ring *ring, u32 index)
{
	ring->queued--;
	free_slot(ring, index);
}

/**
 * grabber_ring_done() - a frame is complete
 * @ring: the ring
 * @index: the QUEUED slot that has it
 * @bytes: its length
 * @flags: GRABBER_FRAME_* that the board knows of
 * @timestamp: when, nanoseconds of CLOCK_MONOTONIC
 */
void grabber_ring_done(struct grabber_ring *ring, u32 index, u32 bytes,
		       u32 flags, u64 timestamp)
{
	struct grabber_slot *slot = &ring->slots[index];
	u32 place = ring->place;
	u32 before = ring->order[place];
	const struct grabber_slot *displaced = &ring->slots[before];

	/* A frame that was there for a whole turn loses its place to this one. Where nobody
	 * holds or reads it any more, the card can have its slot.
	 */
	if (displaced->state == GRABBER_SLOT_READY && displaced->place == place &&
	    !displaced->holds && !displaced->reads)
		free_slot(ring, before);

	if (ring->discontinuity) {
		flags |= GRABBER_FRAME_DISCONTINUITY;
		ring->unbroken = ring->ordinal + 1;
	}
	ring->discontinuity = false;

	slot->state = GRABBER_SLOT_READY;
	slot->bytes = bytes;
	slot->flags = flags;
	slot->timestamp = timestamp;
	slot->ordinal = ring->ordinal;
	slot->unbroken = ring->unbroken;
	slot->place = place;
	slot->sequence = ring->sequence++;
	ring->order[place] = index;
	__set_bit(place, ring->ready);
	__set_bit(place, ring->idle);
	if (++ring->place == ring->nslots)
		ring->place = 0;
	ring->queued--;
	if (flags & GRABBER_FRAME_TRUNCATED)
		ring->truncated++;
	else
		ring->delivered++;
	grabber_status_done(ring, index, place);
	/* poll() looks at this without the lock; and whom it wakes looks at the page. */
	smp_store_release(&ring->ordinal, ring->ordinal + 1);
}

/**
 * grabber_ring_lose() - frames that the card began will never come
 * @ring: the ring
 * @cause: why
 * @frames: how many
 */
void grabber_ring_lose(struct grabber_ring *ring, enum grabber_loss cause, u64 frames)
{
	if (!frames)
		return;
	ring->lost[cause] += frames;
	ring->sequence += frames;
	ring->discontinuity = true;
	grabber_status_count(ring);
}

/**
 * grabber_ring_stall() - the card had filled all slots that it had, and waited
 * @ring: the ring
 */
void grabber_ring_stall(struct grabber_ring *ring)
{
	ring->stalls++;
	grabber_status_count(ring);
}

/**
 * grabber_ring_stop() - take all slots back from the card
 * @ring: the ring
 *
 * Frames that are READY stay so.
 */
void grabber_ring_stop(struct grabber_ring *ring)
{
	u32 i;

	for (i = 0; i < ring->nslots; i++) {
		if (ring->slots[i].state == GRABBER_SLOT_QUEUED)
			grabber_ring_unqueue(ring, i);
	}
	ring->discontinuity = true;
}

/**
 * grabber_ring_find() - find a reader's next frame
 * @ring: the ring
 * @cursor: ordinal of the frame that the reader wants
 * @newest: rather the newest there is
 *
 * Return: the slot with the oldest frame that is not older than @cursor (or with
 * the newest such frame), -1 when there is none yet.
 */
int grabber_ring_find(const struct grabber_ring *ring, u64 cursor, bool newest)
{
	const struct grabber_slot *slot;
	u64 first;
	int place;
	u32 index;

	if (cursor >= ring->ordinal || ring->base == ring->ordinal)
		return -1;
	/* The newest frame is never taken by the card; the other is there for who keeps up. */
	if (newest)
		cursor = ring->ordinal - 1;
	index = ring->order[order_index(ring, cursor)];
	slot = &ring->slots[index];
	if (slot->state == GRABBER_SLOT_READY && slot->ordinal == cursor)
		return index;
	first = first_ordinal(ring);
	place = first_place(ring, ring->ready,
			    order_index(ring, cursor > first ? cursor : first));
	return place < 0 ? -1 : (int)ring->order[place];
}

/* A slot has one reader less: where the card's search looks for it. */
static void put_back(struct grabber_ring *ring, u32 index)
{
	struct grabber_slot *slot = &ring->slots[index];

	if (slot->reads)
		__set_bit(index, ring->reading);
	else if (in_place(ring, index))
		__set_bit(slot->place, ring->idle);
	else
		free_slot(ring, index);
}

/**
 * grabber_ring_release() - undo one grabber_ring_hold()
 * @ring: the ring
 * @index: the slot
 *
 * The frame stays for other readers until the card needs the slot, unless so
 * many frames came since that its place is taken.
 */
void grabber_ring_release(struct grabber_ring *ring, u32 index)
{
	struct grabber_slot *slot = &ring->slots[index];

	if (--slot->holds)
		return;
	ring->held--;
	put_back(ring, index);
}

/**
 * grabber_ring_read_end() - undo one grabber_ring_read_begin()
 * @ring: the ring
 * @index: a slot whose frame is still there, see grabber_ring_is_read()
 */
void grabber_ring_read_end(struct grabber_ring *ring, u32 index)
{
	struct grabber_slot *slot = &ring->slots[index];

	if (--slot->reads || slot->holds)
		return;
	__clear_bit(index, ring->reading);
	put_back(ring, index);
}
