// SPDX-License-Identifier: GPL-2.0-only
/*
 * The status page: see status.h.
 */
#include "status.h"

static u32 *order(struct grabber_ring *ring)
{
	return (u32 *)grabber_status_entry(ring, ring->nslots);
}

/**
 * grabber_status_init() - write the head of a new page
 * @status: the page, grabber_status_bytes(@nslots) zeroed bytes
 * @nslots: number of slots
 *
 * No slot has a frame yet: all generations are odd.
 */
void grabber_status_init(struct grabber_status *status, u32 nslots)
{
	struct grabber_status_slot *entries = (struct grabber_status_slot *)(status + 1);
	u32 i;

	status->abi_version = GRABBER_ABI_VERSION;
	status->slots = nslots;
	status->entries_offset = sizeof(*status);
	status->order_offset = sizeof(*status) + nslots * sizeof(*entries);
	for (i = 0; i < nslots; i++)
		entries[i].generation = 1;
}

/**
 * grabber_status_done() - a slot has a frame
 * @ring: the ring
 * @index: the slot
 * @place: of the frame in the order
 */
void grabber_status_done(struct grabber_ring *ring, u32 index, u32 place)
{
	struct grabber_status_slot *to = grabber_status_entry(ring, index);
	struct grabber_slot *slot = &ring->slots[index];
	struct grabber_status *status = ring->status;
	u64 frame = slot->ordinal;

	WRITE_ONCE(to->frame, frame);
	WRITE_ONCE(to->sequence, slot->sequence);
	WRITE_ONCE(to->timestamp_ns, slot->timestamp);
	WRITE_ONCE(to->bytes, slot->bytes);
	WRITE_ONCE(to->frame_flags, slot->flags);
	/* The frame and what is said of it come first. */
	smp_store_release(&to->generation, ++slot->generation);
	WRITE_ONCE(order(ring)[place], index);
	/* Of the totals a frame changes these. */
	WRITE_ONCE(status->begun, ring->sequence);
	WRITE_ONCE(status->delivered, ring->delivered);
	WRITE_ONCE(status->truncated, ring->truncated);
	/* All that a reader looks at when this number has risen comes first. */
	smp_store_release(&status->frames, frame + 1);
}

/**
 * grabber_status_count() - write the totals
 * @ring: the ring
 */
void grabber_status_count(struct grabber_ring *ring)
{
	struct grabber_status *status = ring->status;

	WRITE_ONCE(status->begun, ring->sequence);
	WRITE_ONCE(status->delivered, ring->delivered);
	WRITE_ONCE(status->truncated, ring->truncated);
	WRITE_ONCE(status->dropped_no_slot, ring->lost[GRABBER_LOSS_NO_SLOT]);
	WRITE_ONCE(status->dropped_error, ring->lost[GRABBER_LOSS_ERROR]);
	WRITE_ONCE(status->dropped_stop, ring->lost[GRABBER_LOSS_STOP]);
	WRITE_ONCE(status->lost_by_card, ring->lost[GRABBER_LOSS_CARD]);
	WRITE_ONCE(status->stalls, ring->stalls);
}

/**
 * grabber_status_continue() - the ring counts on where another one stopped
 * @ring: the ring
 */
void grabber_status_continue(struct grabber_ring *ring)
{
	grabber_status_count(ring);
	/* As in grabber_status_done(). */
	smp_store_release(&ring->status->frames, ring->ordinal);
}

/**
 * grabber_status_flag() - set or clear a flag of the card
 * @status: the page
 * @flag: GRABBER_STATUS_*
 * @on: set it
 */
void grabber_status_flag(struct grabber_status *status, u32 flag, bool on)
{
	u32 flags = on ? status->flags | flag : status->flags & ~flag;

	/* Whoever sees GONE sees the last frame too. */
	smp_store_release(&status->flags, flags);
}
