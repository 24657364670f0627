// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card's memory as a whole, ring and buffer together: got when the card is
 * registered, and exchanged for another when a program asks for other sizes.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "card.h"

/* All that changes hands at once. */
struct memory {
	struct grabber_ring ring;
	struct grabber_frame_buffer buffer;
};

static void memory_free(struct memory *memory, struct device *dev)
{
	grabber_buffer_unmap(&memory->buffer, dev);
	grabber_buffer_free(&memory->buffer);
	kvfree(memory->ring.slots);
	kvfree(memory->ring.order);
}

static int memory_alloc(struct grabber_card *card, struct memory *memory,
			u32 nslots, u32 slot_size)
{
	struct grabber_slot *slots;
	u32 *order;
	int err;

	err = grabber_buffer_alloc(&memory->buffer, card->dev, nslots, slot_size);
	if (err)
		return err;
	if (card->board->contiguous && memory->buffer.max_ranges > 1) {
		memory_free(memory, card->dev);
		return -EFBIG;
	}
	slots = kvcalloc(nslots, sizeof(*slots), GRABBER_GFP);
	order = kvcalloc(nslots, sizeof(*order), GRABBER_GFP);
	memory->ring.slots = slots;
	memory->ring.order = order;
	if (!slots || !order) {
		memory_free(memory, card->dev);
		return -ENOMEM;
	}
	grabber_ring_init(&memory->ring, slots, order, memory->buffer.status, nslots);
	if (card->board->queue_max)
		memory->ring.queue_depth = min(memory->ring.queue_depth, card->board->queue_max);
	return 0;
}

/*
 * Put the new memory in place of the old one. Not while frames come in, or anybody
 * has a hand on the old one: a mapping, a held slot, a read under way.
 */
static int exchange(struct grabber_card *card, struct memory *memory)
{
	int err = -EBUSY;

	spin_lock_irq(&card->wait.lock);
	if (card->gone) {
		err = -ENODEV;
	} else if (!card->running && !card->mappings && !card->ring.held) {
		grabber_ring_continue(&memory->ring, &card->ring);
		swap(card->ring, memory->ring);
		swap(card->buffer, memory->buffer);
		err = 0;
	}
	spin_unlock_irq(&card->wait.lock);
	return err;
}

static int prepare_board(struct grabber_card *card, const struct memory *memory)
{
	if (!card->board->prepare)
		return 0;
	return card->board->prepare(card, memory->ring.queue_depth * memory->buffer.max_ranges);
}

/**
 * grabber_memory_init() - get the first memory of a new card
 * @card: the card, not registered yet
 * @nslots: number of slots
 *
 * grabber_memory_free() undoes it, also after an error.
 *
 * Return: 0, or an error after saying why.
 */
int grabber_memory_init(struct grabber_card *card, u32 nslots)
{
	u32 size = card->format.sizeimage;
	struct memory memory = { };
	int err = memory_alloc(card, &memory, nslots, size);

	if (err == -EFBIG) {
		dev_err(card->dev,
			"no contiguous memory for slots of %u bytes: choose slot_size= up to 4 MiB, or turn an IOMMU on (intel_iommu=on, amd_iommu=on)\n",
			size);
		return -ENOMEM;
	}
	if (err) {
		dev_err(card->dev,
			"no memory for %u slots of %u bytes that the card can reach (%d): load grabber with fewer slots= or free some memory\n",
			nslots, size, err);
		return err;
	}
	card->ring = memory.ring;
	card->buffer = memory.buffer;
	return prepare_board(card, &memory);
}

/**
 * grabber_memory_free() - the last reference to a card is gone
 * @card: the card
 */
void grabber_memory_free(struct grabber_card *card)
{
	grabber_buffer_free(&card->buffer);
	kvfree(card->ring.slots);
	kvfree(card->ring.order);
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

	/* Looked at again in exchange(); here it spares the work. */
	if (card->gone)
		return -ENODEV;
	if (card->users || card->paused)
		return -EBUSY;
	/* The card must not know the old memory any more when that is given back. */
	if (grabber_dma_settle(card, false)) {
		dev_err_ratelimited(card->dev,
				    "the buffer stays as it is: the card may still be writing to it, and cannot be reset\n");
		return -EIO;
	}
	err = memory_alloc(card, &memory, nslots, slot_size);
	if (err)
		return err == -EFBIG ? -ENOMEM : err;
	err = prepare_board(card, &memory);
	if (!err)
		err = exchange(card, &memory);
	memory_free(&memory, card->dev);
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
	u32 least;
	int err;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.stride || args.mmap_size || args.hold_max || args.status_size ||
	    args.status_offset || args.reserved[0] || args.reserved[1])
		return -EINVAL;
	if (mutex_lock_interruptible(&card->mutex))
		return -ERESTARTSYS;
	args.slots = args.slots ?: card->buffer.nslots;
	args.slot_size = args.slot_size ?: card->format.sizeimage;
	least = card->board->cuts_frames ? 1 : card->format.sizeimage;
	if (args.slots < GRABBER_RING_SLOTS_MIN || args.slots > GRABBER_RING_SLOTS_MAX ||
	    args.slot_size < least || args.slot_size > GRABBER_SLOT_SIZE_MAX)
		err = -EINVAL;
	else
		err = change_memory(card, args.slots, args.slot_size);
	mutex_unlock(&card->mutex);
	return err ?: grabber_put_buffer(card, user);
}
