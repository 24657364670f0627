// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/grabberN, the frames: open, close, read and poll. The ioctls and mmap
 * have files of their own.
 */
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "card.h"
#include "compat/compat.h"
#include "trace.h"

static int frame_open(struct inode *inode, struct file *filp)
{
	struct grabber_file *file = grabber_file_open(inode, filp);

	if (IS_ERR(file))
		return PTR_ERR(file);
	mutex_lock(&file->card->files_lock);
	file->card->readers++;
	mutex_unlock(&file->card->files_lock);
	/* RWF_NOWAIT and io_uring ask first, and wait by poll(). */
	filp->f_mode |= FMODE_NOWAIT;
	/* Frames have no position to seek to. */
	return stream_open(inode, filp);
}

/* The frame that read() was in the middle of is not its any more. With the lock held. */
static void read_end(struct grabber_file *file)
{
	struct grabber_card *card = file->card;

	if (grabber_ring_is_read(&card->ring, file->read_slot, file->read_ordinal)) {
		trace_grabber_given(card, file->read_slot,
				    card->ring.slots[file->read_slot].flags);
		grabber_ring_read_end(&card->ring, file->read_slot);
		grabber_card_feed(card);
	}
	file->read_slot = -1;
}

static int frame_release(struct inode *inode, struct file *filp)
{
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	unsigned int slot;

	spin_lock_irq(&card->wait.lock);
	for_each_set_bit(slot, file->held, GRABBER_RING_SLOTS_MAX)
		grabber_slot_release(file, slot, &file->holding);
	if (file->read_slot >= 0)
		read_end(file);
	spin_unlock_irq(&card->wait.lock);
	grabber_capture_unwant(file);

	mutex_lock(&card->files_lock);
	card->readers--;
	mutex_unlock(&card->files_lock);
	grabber_file_close(file);
	return 0;
}

/* With the lock held: the slot of the reader's next frame, or an error as below. */
static inline int next_slot(struct grabber_file *file, bool newest)
{
	struct grabber_card *card = file->card;
	int slot = grabber_frame_find(file, newest);

	if (slot >= 0)
		return slot;
	return card->gone ? -ENODEV : file->capture == GRABBER_CAPTURE_STOPPED ? -ECANCELED :
	       card->broken ? -EIO : -EAGAIN;
}

/* A frame is given to a reader, and those that it passed over are missed. Return: flags. */
static inline u32 given(struct grabber_file *file, u32 slot)
{
	struct grabber_ring *ring = &file->card->ring;
	const struct grabber_slot *frame = &ring->slots[slot];
	u32 flags = frame->flags;

	/* Also when the frame that came right after a break is among the missed. */
	if (frame->unbroken > file->cursor)
		flags |= GRABBER_FRAME_DISCONTINUITY;
	file->missed_total += frame->ordinal - file->cursor;
	file->delivered_total++;
	WRITE_ONCE(file->cursor, frame->ordinal + 1);
	trace_grabber_taken(file->card, slot, flags);
	return flags;
}

/**
 * grabber_frame_take() - hold a reader's next frame
 * @file: the reader
 * @newest: skip to the newest frame
 * @take: told of the frame, its slot and what was missed
 *
 * Return: its slot; -EAGAIN: there is none now, or others hold all that may be held, or
 * have its share as dma-bufs; -EBUSY: the reader itself holds all that it may;
 * -ECANCELED: it said STOP, and has all frames from before; -EIO: it has all frames, until
 * the card can be started again; -ENODEV: it has all frames, and the card is gone.
 */
int grabber_frame_take(struct grabber_file *file, bool newest, struct grabber_take *take)
{
	struct grabber_card *card = file->card;
	const struct grabber_slot *frame;
	int slot;

	spin_lock_irq(&card->wait.lock);
	slot = next_slot(file, newest);
	if (slot < 0)
		goto out;
	if (grabber_share_used(file)) {
		/* Only what a dma-buf has may come free by itself. */
		slot = file->holding >= card->ring.hold_max ? -EBUSY : -EAGAIN;
		goto out;
	}
	if (!grabber_ring_hold(&card->ring, slot)) {
		slot = -EAGAIN;
		goto out;
	}
	__set_bit(slot, file->held);
	file->holding++;
	frame = &card->ring.slots[slot];
	take->slot = slot;
	take->sequence = frame->sequence;
	take->timestamp_ns = frame->timestamp;
	take->missed = frame->ordinal - file->cursor;
	take->offset = ((u64)slot * card->buffer.slot_pages) << PAGE_SHIFT;
	take->bytes = frame->bytes;
	take->frame_flags = given(file, slot);
out:
	spin_unlock_irq(&card->wait.lock);
	return slot;
}

static bool is_still_there(struct grabber_file *file)
{
	return grabber_ring_is_read(&file->card->ring, file->read_slot, file->read_ordinal);
}

/* With the lock held: the card got the slot of the frame that was given. */
static int lost(struct grabber_file *file)
{
	file->read_slot = -1;
	file->delivered_total--;
	file->missed_total++;
	return -ESTALE;
}

/* With the lock held: the frame that read() is in the middle of, or else the next one. */
static int find_frame(struct grabber_file *file)
{
	struct grabber_ring *ring = &file->card->ring;
	int slot;

	if (file->read_slot >= 0)
		return is_still_there(file) ? 0 : lost(file);
	slot = next_slot(file, false);
	if (slot < 0)
		return slot;
	grabber_ring_read_begin(ring, slot);
	file->read_slot = slot;
	file->read_ordinal = ring->slots[slot].ordinal;
	file->read_offset = 0;
	given(file, slot);
	return 0;
}

/*
 * Find a frame to copy from, after a wait.
 *
 * Return: 0, and the buffer is not exchanged until card->copying is counted down again;
 * -ESTALE; or an error of read().
 */
static int read_begin(struct grabber_file *file, bool nowait)
{
	struct grabber_card *card = file->card;
	bool again = false;
	ktime_t end = 0;
	int err;

	WRITE_ONCE(file->want, GRABBER_WANT_READ);
	for (;; again = true) {
		spin_lock_irq(&card->wait.lock);
		err = find_frame(file);
		if (!err)
			atomic_inc(&card->copying);
		spin_unlock_irq(&card->wait.lock);
		if (err != -EAGAIN)
			return err;
		/* Another thread on this file may have been faster. */
		if (again && signal_pending(current))
			return -ERESTARTSYS;
		err = grabber_frame_wait(file, GRABBER_WANT_READ, nowait ? 0 : -1, &end);
		if (err)
			return err;
	}
}

/*
 * A real copy, also into a pipe: copy_page_to_iter() would give that the page itself. It
 * does without copy_to_iter()'s search for the object that the bytes belong to, and so
 * may this: they are a whole page's.
 */
static size_t copy_frame(struct grabber_card *card, u32 slot, u32 offset, size_t bytes,
			 struct iov_iter *to)
{
	struct page **pages = card->buffer.slots[slot].pages;
	size_t done = 0;

	while (done < bytes) {
		size_t at = (offset + done) % PAGE_SIZE;
		size_t part = min(bytes - done, PAGE_SIZE - at);
		void *page = page_address(pages[(offset + done) / PAGE_SIZE]);
		size_t copied = _copy_to_iter(page + at, part, to);

		done += copied;
		if (copied < part)
			break;
	}
	return done;
}

/*
 * Copy from the frame that read_begin() found. The card may get its slot meanwhile, if it
 * has no other: what was copied then counts for nothing.
 *
 * Return: bytes copied; -EFAULT; -ESTALE: the card got the slot.
 */
static ssize_t read_on(struct grabber_file *file, struct iov_iter *to)
{
	struct grabber_card *card = file->card;
	size_t left = card->ring.slots[file->read_slot].bytes - file->read_offset;
	size_t done = copy_frame(card, file->read_slot, file->read_offset,
				 min(left, iov_iter_count(to)), to);
	bool there;

	/* The slot stops being the frame's before the card is told of it. */
	smp_rmb();
	there = is_still_there(file);
	atomic_dec(&card->copying);
	file->read_offset += done;
	if (!there || done == left) {
		spin_lock_irq(&card->wait.lock);
		if (there)
			read_end(file);
		else
			lost(file);
		spin_unlock_irq(&card->wait.lock);
	}
	if (!there) {
		iov_iter_revert(to, done);
		return -ESTALE;
	}
	/* Of an empty frame nothing can be read: 0 would mean the end of it all. */
	return done || !left ? done : -EFAULT;
}

/*
 * Whole frames in order, as a byte stream. A frame that does not fit is gone on
 * with by the next read. No read() goes beyond the end of a frame.
 */
static ssize_t frame_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *filp = iocb->ki_filp;
	struct grabber_file *file = filp->private_data;
	bool nowait = iocb->ki_flags & IOCB_NOWAIT;
	bool begun;
	ssize_t ret;

	if (!iov_iter_count(to))
		return 0;
	ret = grabber_capture_want(file, false);
	if (ret && file->read_slot < 0 && !grabber_frame_ready(file, GRABBER_WANT_READ))
		return ret;
	if (nowait) {
		if (!mutex_trylock(&file->read_mutex))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&file->read_mutex)) {
		return -ERESTARTSYS;
	}
	for (;;) {
		/* Where the program has a part of a frame, it has to know that no more of it
		 * comes. Where it has nothing of it, the next frame will do.
		 */
		begun = file->read_slot >= 0 && file->read_offset;
		ret = read_begin(file, nowait || (filp->f_flags & O_NONBLOCK));
		if (!ret)
			ret = read_on(file, to);
		if (ret && (ret != -ESTALE || begun))
			break;
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		cond_resched();
	}
	mutex_unlock(&file->read_mutex);
	return ret;
}

static __poll_t frame_poll(struct file *filp, poll_table *wait)
{
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	__poll_t events = 0;
	enum grabber_want want = READ_ONCE(file->want);
	int err = grabber_capture_want(file, true);

	poll_wait(filp, &card->wait, wait);
	if (grabber_frame_ready(file, want) ||
	    (want == GRABBER_WANT_READ && READ_ONCE(file->read_slot) >= 0))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(card->gone))
		events |= EPOLLHUP | EPOLLERR;
	else if ((err && err != -ERESTARTSYS) || READ_ONCE(card->broken))
		events |= EPOLLERR;
	/* As of a V4L2 device that does not stream. */
	else if (!events && READ_ONCE(file->capture) == GRABBER_CAPTURE_STOPPED)
		events |= EPOLLERR;
	return events;
}

const struct file_operations grabber_frame_fops = {
	.owner = THIS_MODULE,
	.open = frame_open,
	.release = frame_release,
	.read_iter = frame_read_iter,
	.splice_read = copy_splice_read,
	.poll = frame_poll,
	.unlocked_ioctl = grabber_frame_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = grabber_frame_mmap,
};
