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
void grabber_status_done(struct grabber_ring *ring, u32 index, u32 place);
void grabber_status_continue(struct grabber_ring *ring);
void grabber_status_count(struct grabber_ring *ring);
void grabber_status_flag(struct grabber_status *status, u32 flag, bool on);

/* What the page says of a slot. */
static inline struct grabber_status_slot *grabber_status_entry(struct grabber_ring *ring, u32 index)
{
	return (struct grabber_status_slot *)(ring->status + 1) + index;
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

#endif /* GRABBER_STATUS_H */
