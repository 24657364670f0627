/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring: who has which slot, and what became of every frame.
 *
 * Pure bookkeeping. It knows no memory, no device and no lock: its caller
 * serialises all calls (the driver by card->wait.lock), and tests/unit builds the
 * same file for user space, with headers of its own for the few it includes.
 *
 * A slot is with the card (QUEUED), holds a frame (READY) or is neither (FREE).
 * A READY slot may be held by readers; the card gets it back only after the last
 * of them gave it up. A slot that a read() is in the middle of is not held: the card
 * gets it last of all, when it has no other, and the reader is told. So whoever stops
 * in the middle of a frame stops nobody else. The newest frame is never taken away.
 *
 * Frames are found by their ordinal: 0, 1, 2 ... in the order in which they came in.
 * Their sequence number counts lost ones too. The ring remembers as many frames as it
 * has slots; frame o has the place o % nslots. Every search is one look for a bit in
 * at most GRABBER_RING_SLOTS_MAX of them, whatever readers hold.
 */
#ifndef GRABBER_RING_H
#define GRABBER_RING_H

#include <linux/bitmap.h>
#include <linux/types.h>
#include <uapi/linux/grabber.h>

/* These many slots are never held: one for the card to fill, one for the newest frame,
 * and one for the frame that a read() is in the middle of. Small rings have fewer.
 */
#define GRABBER_RING_UNHELD	3
#define GRABBER_RING_UNHELD_MIN	2
#define GRABBER_RING_SLOTS_MIN	2
#define GRABBER_RING_SLOTS_MAX	1024

/* Why a frame that the card began never came into the ring. */
enum grabber_loss {
	GRABBER_LOSS_NO_SLOT,	/* no slot was with the card when it needed one */
	GRABBER_LOSS_ERROR,	/* DMA or engine error, or the recovery from one */
	GRABBER_LOSS_STOP,	/* unfinished when capture stopped */
	GRABBER_LOSS_CARD,	/* the card skipped it */
	GRABBER_LOSS_CAUSES,
};

enum grabber_slot_state {
	GRABBER_SLOT_FREE,
	GRABBER_SLOT_QUEUED,
	GRABBER_SLOT_READY,
};

/**
 * struct grabber_slot - one frame's place in the buffer
 * @state: who has it
 * @holds: readers that hold it, and dma-bufs
 * @exports: these dma-bufs
 * @reads: readers whose read() is in the middle of it
 * @place: of its frame in the ring's order
 * @next_free: next in the list of FREE slots, -1 at its end
 * @bytes: length of the frame
 * @flags: GRABBER_FRAME_* of the uapi header
 * @sequence: number of the frame, lost ones counted
 * @ordinal: number of the frame, only those in the ring counted
 * @unbroken: ordinal of the first frame after the last break up to this frame, plus one; 0
 *	where there was none: readers that missed that very frame are to be told too
 * @timestamp: CLOCK_MONOTONIC, nanoseconds
 * @generation: odd while the card may write the slot; see the status page
 */
struct grabber_slot {
	enum grabber_slot_state state;
	u32 holds;
	u32 exports;
	u32 reads;
	u32 place;
	int next_free;
	u32 bytes;
	u32 flags;
	u64 sequence;
	u64 ordinal;
	u64 unbroken;
	u64 timestamp;
	u64 generation;
};

/**
 * struct grabber_ring - the ring of one card
 * @slots: all slots, @nslots of them
 * @status: the status page, which is kept up to date here
 * @order: slot of the frame with ordinal o at o % @nslots
 * @nslots: number of slots
 * @queue_depth: slots that should be with the card
 * @queued: slots that are with the card
 * @held: slots held by at least one reader
 * @hold_total: most slots that may be held, by all readers together
 * @hold_max: most slots that one reader may hold, and most that may be dma-bufs: that
 *	leaves another reader a place
 * @exported: slots with at least one dma-buf
 * @first_free: head of the list of FREE slots, -1 for none
 * @last_free: its tail
 * @ready: a bit for each place whose frame is still there
 * @idle: of these, a bit for each whose slot nobody holds or reads
 * @reading: a bit for each slot (not place) that has a frame, is not held, and has a
 *	read() in the middle of it
 * @base: ordinal of the first frame that could be in this ring
 * @ordinal: ordinal of the next frame to come
 * @place: its place
 * @sequence: sequence of the next frame that the card begins
 * @delivered: whole frames that came into the ring
 * @truncated: frames that came into the ring cut off at their slot's end
 * @lost: frames that never came, by cause
 * @stalls: how often the card had to wait for a slot
 * @discontinuity: frames were lost, or capture restarted, since the last frame
 * @unbroken: ordinal of the last frame before which that was so, plus one; 0 for none
 */
struct grabber_ring {
	struct grabber_slot *slots;
	struct grabber_status *status;
	u32 *order;
	u32 nslots;
	u32 queue_depth;
	u32 queued;
	u32 held;
	u32 hold_total;
	u32 hold_max;
	u32 exported;
	int first_free;
	int last_free;
	DECLARE_BITMAP(ready, GRABBER_RING_SLOTS_MAX);
	DECLARE_BITMAP(idle, GRABBER_RING_SLOTS_MAX);
	DECLARE_BITMAP(reading, GRABBER_RING_SLOTS_MAX);
	u64 base;
	u64 ordinal;
	u32 place;
	u64 sequence;
	u64 delivered;
	u64 truncated;
	u64 lost[GRABBER_LOSS_CAUSES];
	u64 stalls;
	bool discontinuity;
	u64 unbroken;
};

void grabber_ring_init(struct grabber_ring *ring, struct grabber_slot *slots,
		       u32 *order, struct grabber_status *status, u32 nslots);
void grabber_ring_continue(struct grabber_ring *ring, const struct grabber_ring *before);
int grabber_ring_choose(struct grabber_ring *ring);
void grabber_ring_unqueue(struct grabber_ring *ring, u32 index);
void grabber_ring_done(struct grabber_ring *ring, u32 index, u32 bytes,
		       u32 flags, u64 timestamp);
void grabber_ring_lose(struct grabber_ring *ring, enum grabber_loss cause, u64 frames);
void grabber_ring_stall(struct grabber_ring *ring);
void grabber_ring_stop(struct grabber_ring *ring);
int grabber_ring_find(const struct grabber_ring *ring, u64 cursor, bool newest);
void grabber_ring_release(struct grabber_ring *ring, u32 index);
void grabber_ring_read_end(struct grabber_ring *ring, u32 index);

/**
 * grabber_ring_queue() - the next slot for the card, if it should get one more
 * @ring: the ring
 *
 * Asked with each frame, most often in vain: that costs no call.
 *
 * Return: the slot, now QUEUED; -1 when the card has as many as it should have, or
 * none can be had.
 */
static inline int grabber_ring_queue(struct grabber_ring *ring)
{
	return ring->queued < ring->queue_depth ? grabber_ring_choose(ring) : -1;
}

/**
 * grabber_ring_hold() - keep a READY slot from the card
 * @ring: the ring
 * @index: the slot, as grabber_ring_find() found it, or one that is held already
 *
 * Return: false when as many slots are held as may be. One more reader of a slot
 * that is held already is always welcome.
 */
static inline bool grabber_ring_hold(struct grabber_ring *ring, u32 index)
{
	struct grabber_slot *slot = &ring->slots[index];

	if (!slot->holds) {
		if (ring->held >= ring->hold_total)
			return false;
		ring->held++;
		__clear_bit(slot->place, ring->idle);
		__clear_bit(index, ring->reading);
	}
	slot->holds++;
	return true;
}

/**
 * grabber_ring_read_begin() - a read() begins in the middle of a frame
 * @ring: the ring
 * @index: the slot, as grabber_ring_find() found it
 */
static inline void grabber_ring_read_begin(struct grabber_ring *ring, u32 index)
{
	struct grabber_slot *slot = &ring->slots[index];

	slot->reads++;
	__clear_bit(slot->place, ring->idle);
	if (!slot->holds)
		__set_bit(index, ring->reading);
}

/**
 * grabber_ring_is_read() - whether a frame is still there for the read() in its middle
 * @ring: the ring, perhaps another one than at grabber_ring_read_begin()
 * @index: the slot
 * @ordinal: of the frame
 *
 * Return: false when the card got the slot, or the ring is another.
 */
static inline bool grabber_ring_is_read(const struct grabber_ring *ring, u32 index,
					u64 ordinal)
{
	return ordinal >= ring->base && ring->slots[index].state == GRABBER_SLOT_READY &&
	       ring->slots[index].ordinal == ordinal;
}

/**
 * grabber_ring_export() - hold a slot for a dma-buf, which nobody may live to give back
 * @ring: the ring
 * @index: a slot that is held already
 *
 * Undone by grabber_ring_unexport() and grabber_ring_release().
 *
 * Return: false when as many slots are dma-bufs as may be.
 */
static inline bool grabber_ring_export(struct grabber_ring *ring, u32 index)
{
	struct grabber_slot *slot = &ring->slots[index];

	if (!slot->exports) {
		if (ring->exported >= ring->hold_max)
			return false;
		ring->exported++;
	}
	slot->exports++;
	slot->holds++;
	return true;
}

/**
 * grabber_ring_unexport() - a slot has one dma-buf less
 * @ring: the ring
 * @index: the slot
 */
static inline void grabber_ring_unexport(struct grabber_ring *ring, u32 index)
{
	if (!--ring->slots[index].exports)
		ring->exported--;
}

#endif /* GRABBER_RING_H */
