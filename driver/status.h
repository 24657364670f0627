/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The status page: what readers need to find frames, and to know them whole,
 * without a system call. The uapi header has its layout. The ring writes it, under
 * its caller's lock; nothing in the driver ever reads it, so what anybody could do
 * to it would only harm other readers (and nobody can: see frame_mmap.c).
 */
#ifndef GRABBER_STATUS_H
#define GRABBER_STATUS_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <uapi/linux/grabber.h>

#include "ring.h"

/* Bytes of the status page for a buffer of these many slots. */
static inline size_t grabber_status_bytes(u32 nslots)
{
	return sizeof(struct grabber_status) +
	       nslots * (sizeof(struct grabber_status_slot) + sizeof(u32));
}

void grabber_status_init(struct grabber_status *status, u32 nslots);
void grabber_status_continue(struct grabber_ring *ring);
void grabber_status_count(struct grabber_ring *ring);
void grabber_status_flag(struct grabber_status *status, u32 flag, bool on);

/* The two that every frame goes through are here, so that they cost it no call. */

static inline struct grabber_status_slot *grabber_status_entry(struct grabber_ring *ring, u32 index)
{
	return (struct grabber_status_slot *)(ring->status + 1) + index;
}

static inline u32 *grabber_status_order(struct grabber_ring *ring)
{
	return (u32 *)grabber_status_entry(ring, ring->nslots);
}

/**
 * grabber_status_queued() - the card may write a slot from now on
 * @ring: the ring
 * @index: the slot
 */
static inline void grabber_status_queued(struct grabber_ring *ring, u32 index)
{
	struct grabber_slot *slot = &ring->slots[index];

	/* Odd already, when the card had it before and gave it back unwritten. */
	slot->generation |= 1;
	WRITE_ONCE(grabber_status_entry(ring, index)->generation, slot->generation);
	/* Before the entry changes, and before the board tells the card. */
	smp_wmb();
}

/**
 * grabber_status_done() - a slot has a frame
 * @ring: the ring
 * @index: the slot
 * @place: of the frame in the order
 */
static inline void grabber_status_done(struct grabber_ring *ring, u32 index, u32 place)
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
	WRITE_ONCE(grabber_status_order(ring)[place], index);
	/* Of the totals a frame changes these. */
	WRITE_ONCE(status->begun, ring->sequence);
	WRITE_ONCE(status->delivered, ring->delivered);
	WRITE_ONCE(status->truncated, ring->truncated);
	/* All that a reader looks at when this number has risen comes first. */
	smp_store_release(&status->frames, frame + 1);
}

#endif /* GRABBER_STATUS_H */
