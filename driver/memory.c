// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card's memory as a whole, ring and buffer together: got when the card is
 * registered, and exchanged for another when a program asks for other sizes.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "card.h"
#include "limit.h"

/* All that changes hands at once. */
struct memory {
	struct grabber_ring ring;
	struct grabber_frame_buffer buffer;
};

static void ring_free(struct grabber_ring *ring)
{
	kvfree(ring->slots);
	kvfree(ring->order);
	ring->slots = NULL;
	ring->order = NULL;
}

/* Its memory only; ring_init() follows. */
static int ring_alloc(struct grabber_ring *ring, u32 nslots)
{
	ring->slots = kvcalloc(nslots, sizeof(*ring->slots), GRABBER_GFP);
	ring->order = kvcalloc(nslots, sizeof(*ring->order), GRABBER_GFP);
	if (ring->slots && ring->order)
		return 0;
	ring_free(ring);
	return -ENOMEM;
}

static void ring_init(struct grabber_card *card, struct grabber_ring *ring,
		      struct grabber_status *status, u32 nslots)
{
	grabber_ring_init(ring, ring->slots, ring->order, status, nslots);
	if (card->queue_max)
		ring->queue_depth = min(ring->queue_depth, card->queue_max);
}

static void memory_free(struct memory *memory, struct device *dev)
{
	grabber_buffer_unmap(&memory->buffer, dev);
	grabber_buffer_free(&memory->buffer);
	ring_free(&memory->ring);
}

/* What the kernel log says of memory that was not to be had, and what to do about it. */
static void explain(struct grabber_card *card, u32 nslots, u32 size, int err)
{
	size_t most = dma_max_mapping_size(card->dev);

	if (err == -EFBIG && most < size)
		dev_err_ratelimited(card->dev,
				    "slots of %u bytes cannot be had in one piece: frames go through bounce buffers here (swiotlb=), which have %zu bytes at most: choose slot_size= up to that, or %s\n",
				    size, most, GRABBER_IOMMU_ON);
	else if (err == -EFBIG)
		dev_err_ratelimited(card->dev,
				    "no contiguous memory for slots of %u bytes: choose slot_size= up to 4 MiB, or %s\n",
				    size, GRABBER_IOMMU_ON);
	else if (err == -ENOBUFS)
		dev_err_ratelimited(card->dev,
				    "%u slots of %u bytes cannot be mapped for the card: use fewer slots%s, or %s\n",
				    nslots, size, most == SIZE_MAX ? "" :
				    ", boot with more bounce buffers (swiotlb=, in units of 2 KiB)",
				    GRABBER_IOMMU_ON);
	else if (err != -EINTR)
		dev_err_ratelimited(card->dev,
				    "no memory for %u slots of %u bytes that the card can reach (%d): use fewer slots (slots=) or free some memory\n",
				    nslots, size, err);
}

static int memory_alloc(struct grabber_card *card, struct memory *memory,
			u32 nslots, u32 slot_size, gfp_t charged)
{
	int err = grabber_buffer_alloc(&memory->buffer, card->dev, nslots, slot_size, charged);

	if (err)
		return err;
	if (card->contiguous && memory->buffer.max_ranges > 1) {
		memory_free(memory, card->dev);
		return -EFBIG;
	}
	err = ring_alloc(&memory->ring, nslots);
	if (err) {
		memory_free(memory, card->dev);
		return err;
	}
	ring_init(card, &memory->ring, memory->buffer.status, nslots);
	return 0;
}

/*
 * Not while frames come in, or anybody has a hand on the memory: a mapping, a held slot, a
 * read() that copies. With the lock held.
 */
static int may_exchange(struct grabber_card *card)
{
	if (card->gone)
		return -ENODEV;
	return card->running || card->mappings || card->ring.held ||
	       atomic_read(&card->copying) ? -EBUSY : 0;
}

/* exchange() looks again; here it spares the work, and the card a reset. */
static int look_first(struct grabber_card *card)
{
	int err;

	spin_lock_irq(&card->wait.lock);
	err = may_exchange(card);
	spin_unlock_irq(&card->wait.lock);
	return err;
}

/* Have the card forget what it was told of slots. */
static int settle(struct grabber_card *card)
{
	int err = grabber_dma_settle(card, false);
	const char *why = "";

	if (!err)
		return 0;
	if (err == -EBUSY)
		why = " while its other channels capture";
	else if (err == -EAGAIN)
		why = " while its device is locked: try again in a moment";
	dev_err_ratelimited(card->dev,
			    "%sthe buffer stays as it is: the card may still be writing to it, and cannot be reset%s\n",
			    card->label, why);
	return *why ? -EBUSY : -EIO;
}

/* Put the new memory in place of the old one. */
static int exchange(struct grabber_card *card, struct memory *memory)
{
	int err;

	spin_lock_irq(&card->wait.lock);
	err = may_exchange(card);
	if (!err) {
		grabber_ring_continue(&memory->ring, &card->ring);
		swap(card->ring, memory->ring);
		swap(card->buffer, memory->buffer);
		if (card->framing == GRABBER_FRAMING_SLOT)
			card->format.sizeimage = card->buffer.slot_size;
	}
	spin_unlock_irq(&card->wait.lock);
	return err;
}

/*
 * A buffer of the same size again needs no other pages, unless a program that has pinned
 * one would then see frames of a buffer that it did not map. Pages are looked at without
 * the lock, and who has pinned one since must have had a mapping.
 *
 * Return: 0; -EAGAIN: other pages are needed; or an error.
 */
static int renew(struct grabber_card *card)
{
	struct grabber_frame_buffer *buffer = &card->buffer;
	u64 mapped = READ_ONCE(card->mapped);
	struct grabber_ring ring = { };
	int err;

	/* Each page is looked at after @mapped was. */
	smp_rmb();
	if (grabber_buffer_shared(buffer))
		return -EAGAIN;
	err = ring_alloc(&ring, buffer->nslots);
	if (err)
		return err;
	/* It would write into slots that the new ring has for others. */
	err = settle(card);
	if (err) {
		ring_free(&ring);
		return err;
	}
	spin_lock_irq(&card->wait.lock);
	err = may_exchange(card);
	if (!err && card->mapped != mapped)
		err = -EAGAIN;
	if (!err) {
		memset(buffer->status, 0, (size_t)buffer->status_pages << PAGE_SHIFT);
		ring_init(card, &ring, buffer->status, buffer->nslots);
		grabber_ring_continue(&ring, &card->ring);
		swap(card->ring, ring);
	}
	spin_unlock_irq(&card->wait.lock);
	ring_free(&ring);
	return err;
}

static int prepare_board(struct grabber_card *card, const struct memory *memory)
{
	if (!card->board->prepare)
		return 0;
	return card->board->prepare(card, memory->ring.queue_depth, memory->buffer.max_ranges,
				    memory->buffer.slot_size);
}

/* A slot smaller than a frame makes the card go through several for each, at the cost of
 * as many descriptors: but not through any number of them.
 */
static u32 least_slot_size(struct grabber_card *card)
{
	const struct grabber_format *format = &card->format;
	u64 lines = (u64)format->bytesperline * format->height;
	u32 frame = format->sizeimage;

	if (card->framing == GRABBER_FRAMING_SLOT)
		return max_t(u64, GRABBER_SLOT_FULL_MIN, lines);
	if (!card->board->cuts_frames)
		return frame;
	/* What programs say of packets' size, or do not, says nothing of descriptors. */
	if (card->framing == GRABBER_FRAMING_PACKET)
		return min_t(u32, frame, 4096);
	return min_t(u32, frame, max_t(u32, 4096, DIV_ROUND_UP(frame, 64)));
}

static bool is_slot_size(struct grabber_card *card, u32 size)
{
	if (card->framing == GRABBER_FRAMING_SLOT && size % GRABBER_SLOT_FULL_UNIT)
		return false;
	return size >= least_slot_size(card) && size <= GRABBER_SLOT_SIZE_MAX;
}

/* What can be had in one piece, where that is needed: more is luck. */
static u32 slot_size_max(struct grabber_card *card)
{
	size_t most = GRABBER_SLOT_SIZE_MAX;

	if (!card->contiguous)
		return most;
	if (!dma_get_merge_boundary(card->dev))
		most = min_t(size_t, most, PAGE_SIZE << GRABBER_BLOCK_ORDER);
	return min(most, dma_max_mapping_size(card->dev));
}

/* Slots that a card gets when nobody says how many: from the second number on read() has
 * a slot of its own.
 */
#define GOOD_SLOTS	8
#define LEAST_SLOTS	4

static u32 good_slots(struct grabber_card *card, u32 size)
{
	u32 nslots = grabber_limit_slots(DIV_ROUND_UP(size, PAGE_SIZE), GOOD_SLOTS, LEAST_SLOTS);

	if (nslots < GOOD_SLOTS)
		dev_info(card->dev,
			 "%u slots of %u bytes, for memory= and memory_all= allow no more: see SET_BUFFER, or load with slots=\n",
			 nslots, size);
	return nslots;
}

static int first_memory(struct grabber_card *card, u32 nslots, u32 size, bool tell)
{
	struct memory memory = { };
	int err;

	err = memory_alloc(card, &memory, nslots, size, 0);
	if (err) {
		if (tell)
			explain(card, nslots, size, err);
		return err == -EINTR ? err : -ENOMEM;
	}
	err = prepare_board(card, &memory);
	if (err) {
		memory_free(&memory, card->dev);
		return err;
	}
	card->ring = memory.ring;
	card->buffer = memory.buffer;
	return 0;
}

/* Size of slots that a person asked for, of a card that says how large its frames are;
 * for others grabber_format_init() has seen to it.
 */
static u32 wanted_slot_size(struct grabber_card *card)
{
	u32 wish = grabber_set_or(card->settings, GRABBER_SET_SLOT_SIZE, 0);

	if (!wish || card->free_format)
		return card->format.sizeimage;
	if (is_slot_size(card, wish))
		return wish;
	grabber_settings_refused(card, GRABBER_SET_SLOT_SIZE,
				 "slot_size= is too small for the frames of this card");
	return card->format.sizeimage;
}

/* As a person asked for it. Return: whether there is memory now. */
static bool wanted_memory(struct grabber_card *card, u32 nslots)
{
	bool slots = grabber_is_set(card->settings, GRABBER_SET_SLOTS);
	u32 size = wanted_slot_size(card);

	if (!slots && !grabber_is_set(card->settings, GRABBER_SET_SLOT_SIZE) &&
	    !grabber_is_set(card->settings, GRABBER_SET_FORMAT))
		return false;
	nslots = grabber_set_or(card->settings, GRABBER_SET_SLOTS, nslots);
	if (!first_memory(card, nslots ?: good_slots(card, size), size, false))
		return true;
	grabber_settings_refused(card, slots ? GRABBER_SET_SLOTS :
				 grabber_is_set(card->settings, GRABBER_SET_SLOT_SIZE) ?
				 GRABBER_SET_SLOT_SIZE : GRABBER_SET_FORMAT,
				 "there is no such memory that the card can reach: have fewer or smaller slots");
	grabber_format_default(card);
	return false;
}

/**
 * grabber_memory_init() - get the first memory of a new card
 * @card: the card, not registered yet
 * @nslots: number of slots, where the card's settings do not say; 0: as many as are good,
 *	within the limits of limit.c
 *
 * grabber_memory_free() undoes it, also after an error.
 *
 * Return: 0, or an error after saying why.
 */
int grabber_memory_init(struct grabber_card *card, u32 nslots)
{
	u32 size;

	card->slot_size_max = slot_size_max(card);
	if (wanted_memory(card, nslots))
		return 0;
	size = card->format.sizeimage;
	return first_memory(card, nslots ?: good_slots(card, size), size, true);
}

/**
 * grabber_memory_free() - the last reference to a card is gone
 * @card: the card
 */
void grabber_memory_free(struct grabber_card *card)
{
	grabber_buffer_free(&card->buffer);
	ring_free(&card->ring);
}

/**
 * grabber_put_buffer() - GRABBER_IOC_GET_BUFFER
 * @card: the card
 * @user: the program's struct grabber_buffer
 *
 * Return: 0 or -EFAULT.
 */
int grabber_put_buffer(struct grabber_card *card, struct grabber_buffer __user *user)
{
	struct grabber_buffer layout = { };

	spin_lock_irq(&card->wait.lock);
	layout.slots = card->buffer.nslots;
	layout.slot_size = card->buffer.slot_size;
	layout.stride = (u64)card->buffer.slot_pages << PAGE_SHIFT;
	layout.mmap_size = grabber_buffer_size(&card->buffer);
	layout.hold_max = card->ring.hold_max;
	layout.hold_total = card->ring.hold_total;
	layout.status_size = card->buffer.status_pages << PAGE_SHIFT;
	layout.status_offset = (u64)grabber_buffer_slot_pages(&card->buffer) << PAGE_SHIFT;
	spin_unlock_irq(&card->wait.lock);
	return copy_to_user(user, &layout, sizeof(layout)) ? -EFAULT : 0;
}

/* With card->mutex held, so that capture stays off. */
static int change_memory(struct grabber_card *card, u32 nslots, u32 slot_size)
{
	struct memory memory = { };
	int err;

	err = look_first(card);
	if (err)
		return err;
	if (card->users || card->paused)
		return -EBUSY;
	if (nslots == card->buffer.nslots && slot_size == card->buffer.slot_size) {
		err = renew(card);
		if (err != -EAGAIN)
			return err;
	}
	err = grabber_limit_begin(card->dev, grabber_buffer_slot_pages(&card->buffer),
				  (unsigned long)nslots * DIV_ROUND_UP(slot_size, PAGE_SIZE));
	if (err)
		return err;
	err = memory_alloc(card, &memory, nslots, slot_size, GRABBER_GFP_CHARGED);
	if (err) {
		explain(card, nslots, slot_size, err);
		err = err == -EINTR ? err : -ENOMEM;
		goto end;
	}
	/* The card must not know the old memory any more when that is given back. */
	err = settle(card);
	if (!err)
		err = prepare_board(card, &memory);
	if (!err)
		err = exchange(card, &memory);
	memory_free(&memory, card->dev);
end:
	grabber_limit_end();
	return err;
}

/**
 * grabber_set_buffer() - GRABBER_IOC_SET_BUFFER
 * @card: the card
 * @user: the program's struct grabber_buffer
 *
 * Return: 0 or an error, as the uapi header says.
 */
int grabber_set_buffer(struct grabber_card *card, struct grabber_buffer __user *user)
{
	struct grabber_buffer args;
	int err;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.stride || args.mmap_size || args.hold_max || args.status_size ||
	    args.status_offset || args.hold_total || args.reserved)
		return -EINVAL;
	if (mutex_lock_interruptible(&card->mutex))
		return -ERESTARTSYS;
	args.slots = args.slots ?: card->buffer.nslots;
	args.slot_size = args.slot_size ?: card->format.sizeimage;
	if (args.slots < GRABBER_RING_SLOTS_MIN || args.slots > GRABBER_RING_SLOTS_MAX ||
	    !is_slot_size(card, args.slot_size))
		err = -EINVAL;
	else
		err = change_memory(card, args.slots, args.slot_size);
	mutex_unlock(&card->mutex);
	return err ?: grabber_put_buffer(card, user);
}
