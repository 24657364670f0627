// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring: see ring.h for the ideas.
 */
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

/* The slot that has the frame with this ordinal, or -1 when it is gone. */
static int ready_slot(const struct grabber_ring *ring, u64 ordinal)
{
	u32 index = ring->order[order_index(ring, ordinal)];
	const struct grabber_slot *slot = &ring->slots[index];

	if (slot->state == GRABBER_SLOT_READY && slot->ordinal == ordinal)
		return index;
	return -1;
}

/* Frames older than this have lost their place in @order. */
static u64 first_ordinal(const struct grabber_ring *ring)
{
	u64 window = ring->ordinal > ring->nslots ? ring->ordinal - ring->nslots : 0;

	return ring->oldest > window ? ring->oldest : window;
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
		.last_break = GRABBER_RING_NO_BREAK,
	};
	ring->hold_max = nslots - GRABBER_RING_UNHELD_MIN;
	if (ring->hold_max > GRABBER_RING_FOR_READ)
		ring->hold_max -= GRABBER_RING_FOR_READ;
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

	ring->ordinal = before->ordinal;
	ring->oldest = before->ordinal;
	ring->sequence = before->sequence;
	ring->delivered = before->delivered;
	ring->truncated = before->truncated;
	for (i = 0; i < GRABBER_LOSS_CAUSES; i++)
		ring->lost[i] = before->lost[i];
	ring->discontinuity = true;
	grabber_status_continue(ring);
}

/* The oldest frame that nobody holds, except the newest of all: readers that
 * keep up are just coming for that one.
 */
static int oldest_unheld(struct grabber_ring *ring)
{
	u64 ordinal = first_ordinal(ring);
	u64 gone = ordinal;	/* all before this one are */

	for (; ordinal + 1 < ring->ordinal; ordinal++) {
		int index = ready_slot(ring, ordinal);

		if (index >= 0 && ring->slots[index].holds)
			continue;
		/* This one goes to the card now, if it is not gone already. */
		if (ordinal == gone)
			ring->oldest = ++gone;
		if (index >= 0)
			return index;
	}
	return -1;
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
		index = oldest_unheld(ring);
		if (index < 0)
			return -1;
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
	u32 place = order_index(ring, ring->ordinal);
	u32 before = ring->order[place];

	/* A frame that was held for a whole turn loses its place to this one. If it
	 * was given back by now, the card can have its slot.
	 */
	if (before != index && ring->slots[before].state == GRABBER_SLOT_READY &&
	    ring->slots[before].ordinal + ring->nslots == ring->ordinal &&
	    !ring->slots[before].holds)
		free_slot(ring, before);

	if (ring->discontinuity) {
		flags |= GRABBER_FRAME_DISCONTINUITY;
		ring->last_break = ring->ordinal;
	}
	ring->discontinuity = false;

	slot->state = GRABBER_SLOT_READY;
	slot->bytes = bytes;
	slot->flags = flags;
	slot->timestamp = timestamp;
	slot->ordinal = ring->ordinal;
	slot->sequence = ring->sequence++;
	ring->order[place] = index;
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
	u64 ordinal;
	int index;

	if (cursor >= ring->ordinal)
		return -1;
	/* The newest frame is never taken by the card; the other is there for who keeps up. */
	index = ready_slot(ring, newest ? ring->ordinal - 1 : cursor);
	if (index >= 0)
		return index;
	ordinal = first_ordinal(ring);
	for (ordinal = cursor > ordinal ? cursor : ordinal; ordinal < ring->ordinal; ordinal++) {
		index = ready_slot(ring, ordinal);
		if (index >= 0)
			return index;
	}
	return -1;
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
	if (slot->ordinal + ring->nslots < ring->ordinal)
		free_slot(ring, index);
}
