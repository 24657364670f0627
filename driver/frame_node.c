// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/grabberN, the frames: open, close, read and poll. The ioctls and mmap
 * have files of their own.
 */
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uio.h>

#include "card.h"
#include "trace.h"

static int frame_open(struct inode *inode, struct file *filp)
{
	struct grabber_file *file = grabber_file_open(inode, filp);

	if (IS_ERR(file))
		return PTR_ERR(file);
	mutex_lock(&file->card->files_lock);
	file->card->readers++;
	mutex_unlock(&file->card->files_lock);
	/* Frames have no position to seek to. */
	return stream_open(inode, filp);
}

static int frame_release(struct inode *inode, struct file *filp)
{
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	unsigned int slot;

	spin_lock_irq(&card->wait.lock);
	for_each_set_bit(slot, file->held, GRABBER_RING_SLOTS_MAX)
		grabber_slot_release(card, slot);
	if (file->read_slot >= 0)
		grabber_slot_release(card, file->read_slot);
	spin_unlock_irq(&card->wait.lock);
	grabber_capture_unwant(file);

	mutex_lock(&card->files_lock);
	card->readers--;
	mutex_unlock(&card->files_lock);
	grabber_file_close(file);
	return 0;
}

static bool has_frame(struct grabber_file *file)
{
	/* The status page has what this number has: grabber_ring_done(). */
	return smp_load_acquire(&file->card->ring.ordinal) > READ_ONCE(file->cursor);
}

static bool frame_or_end(struct grabber_file *file)
{
	return has_frame(file) || READ_ONCE(file->card->gone) || READ_ONCE(file->card->broken);
}

/*
 * Sleep until there is a frame. wait_event() would do, but queues up once more before
 * it looks, although who wakes a reader has taken it off the queue, as a rule for a
 * frame that is there.
 */
static int sleep_for_frame(struct grabber_file *file, s64 timeout_ns)
{
	struct wait_queue_head *queue = &file->card->wait;
	bool over = false;
	DEFINE_WAIT(wait);
	ktime_t end = 0;
	int err = 0;

	if (timeout_ns > 0)
		end = ktime_add_safe(ktime_get(), ns_to_ktime(timeout_ns));
	do {
		prepare_to_wait(queue, &wait, TASK_INTERRUPTIBLE);
		if (frame_or_end(file))
			break;
		if (signal_pending(current))
			err = -ERESTARTSYS;
		else if (over)
			err = -ETIMEDOUT;
		else if (timeout_ns < 0)
			schedule();
		else
			over = !schedule_hrtimeout(&end, HRTIMER_MODE_ABS);
	} while (!err && !frame_or_end(file));
	finish_wait(queue, &wait);
	return err;
}

/**
 * grabber_frame_wait() - wait until there is a frame for this reader
 * @file: the reader
 * @timeout_ns: longest wait; 0: none, negative: no limit
 *
 * Return: 0 when a frame came or the card went; -EAGAIN: no wait was asked for;
 * -ETIMEDOUT; -EINTR, or -ERESTARTSYS where going on waiting is the same.
 */
int grabber_frame_wait(struct grabber_file *file, s64 timeout_ns)
{
	int err;

	if (frame_or_end(file))
		return 0;
	if (!timeout_ns)
		return -EAGAIN;
	err = sleep_for_frame(file, timeout_ns);
	/* A restarted call would wait for the whole time again. */
	return err == -ERESTARTSYS && timeout_ns > 0 ? -EINTR : err;
}

/**
 * grabber_frame_take() - hold a reader's next frame
 * @file: the reader
 * @newest: skip to the newest frame
 * @take: told of the frame, its slot and what was missed; NULL: for read(), which is
 *	done with it by itself
 *
 * Return: its slot; -EAGAIN: there is none now; -ENODEV: nor will there be;
 * -EIO: nor will there be until the card can be started again; -EBUSY: as many slots are
 * held as may be.
 */
int grabber_frame_take(struct grabber_file *file, bool newest, struct grabber_take *take)
{
	struct grabber_card *card = file->card;
	struct grabber_ring *ring = &card->ring;
	const struct grabber_slot *frame;
	u64 missed;
	u32 flags;
	int slot;

	spin_lock_irq(&card->wait.lock);
	slot = grabber_ring_find(ring, file->cursor, newest);
	if (slot < 0) {
		slot = card->gone ? -ENODEV : card->broken ? -EIO : -EAGAIN;
		goto out;
	}
	if (!grabber_ring_hold(ring, slot, !take)) {
		slot = -EBUSY;
		goto out;
	}
	frame = &ring->slots[slot];
	flags = frame->flags;
	/* Also when the frame that came right after the break is among the missed. */
	if (ring->last_break >= file->cursor && ring->last_break <= frame->ordinal)
		flags |= GRABBER_FRAME_DISCONTINUITY;
	missed = frame->ordinal - file->cursor;
	file->cursor = frame->ordinal + 1;
	file->missed_total += missed;
	file->delivered_total++;
	if (take) {
		__set_bit(slot, file->held);
		take->slot = slot;
		take->sequence = frame->sequence;
		take->timestamp_ns = frame->timestamp;
		take->missed = missed;
		take->offset = ((u64)slot * card->buffer.slot_pages) << PAGE_SHIFT;
		take->bytes = frame->bytes;
		take->frame_flags = flags;
	}
	trace_grabber_taken(card, slot, flags);
out:
	spin_unlock_irq(&card->wait.lock);
	return slot;
}

/* Others hold all they may, and a read() is under way besides: wait until that ends. */
static int wait_for_hold(struct grabber_card *card, bool nonblock)
{
	u32 most = card->ring.nslots - GRABBER_RING_UNHELD_MIN;

	if (nonblock)
		return -EAGAIN;
	return wait_event_interruptible(card->hold_wait, READ_ONCE(card->ring.held) < most ||
					READ_ONCE(card->gone));
}

/* The slot that read() is in the middle of, or the next one, after a wait. */
static int read_begin(struct grabber_file *file, bool nonblock)
{
	struct grabber_card *card = file->card;
	int slot = file->read_slot;
	int err;

	while (slot < 0) {
		err = grabber_frame_wait(file, nonblock ? 0 : -1);
		if (err)
			return err;
		slot = grabber_frame_take(file, false, NULL);
		/* Overwritten since the wait: another one is on its way. */
		if (slot == -EAGAIN)
			continue;
		if (slot == -EBUSY && card->ring.hold_max) {
			err = wait_for_hold(card, nonblock);
			if (err)
				return err;
			continue;
		}
		if (slot < 0)
			return slot;
		file->read_slot = slot;
		file->read_offset = 0;
	}
	return slot;
}

static size_t copy_frame(struct grabber_card *card, u32 slot, u32 offset, size_t bytes,
			 struct iov_iter *to)
{
	struct page **pages = card->buffer.slots[slot].pages;
	size_t done = 0;

	while (done < bytes) {
		size_t at = (offset + done) % PAGE_SIZE;
		size_t part = min(bytes - done, PAGE_SIZE - at);
		size_t copied = copy_page_to_iter(pages[(offset + done) / PAGE_SIZE], at, part, to);

		done += copied;
		if (copied < part)
			break;
	}
	return done;
}

static void read_end(struct grabber_file *file)
{
	struct grabber_card *card = file->card;

	spin_lock_irq(&card->wait.lock);
	grabber_slot_release(card, file->read_slot);
	file->read_slot = -1;
	spin_unlock_irq(&card->wait.lock);
}

/*
 * Whole frames in order, as a byte stream. A frame that does not fit is gone on
 * with by the next read; its slot is held meanwhile, so it cannot change. No
 * read() goes beyond the end of a frame.
 */
static ssize_t frame_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *filp = iocb->ki_filp;
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	bool nonblock = (filp->f_flags & O_NONBLOCK) || (iocb->ki_flags & IOCB_NOWAIT);
	size_t bytes;
	ssize_t ret;
	int slot;

	if (!iov_iter_count(to))
		return 0;
	ret = grabber_capture_want(file);
	if (ret && !has_frame(file) && file->read_slot < 0)
		return ret;
	if (mutex_lock_interruptible(&file->read_mutex))
		return -ERESTARTSYS;
	do {
		slot = read_begin(file, nonblock);
		ret = slot;
		if (slot < 0)
			break;
		bytes = card->ring.slots[slot].bytes - file->read_offset;
		ret = copy_frame(card, slot, file->read_offset,
				 min(bytes, iov_iter_count(to)), to);
		file->read_offset += ret;
		if (ret == bytes)
			read_end(file);
		/* Of an empty frame nothing can be read: 0 would mean the end of it all. */
		else if (!ret)
			ret = -EFAULT;
	} while (!ret);
	mutex_unlock(&file->read_mutex);
	return ret;
}

static __poll_t frame_poll(struct file *filp, poll_table *wait)
{
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	__poll_t events = 0;
	int err = grabber_capture_want(file);

	poll_wait(filp, &card->wait, wait);
	if (has_frame(file) || READ_ONCE(file->read_slot) >= 0)
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(card->gone))
		events |= EPOLLHUP | EPOLLERR;
	else if ((err && err != -ERESTARTSYS) || READ_ONCE(card->broken))
		events |= EPOLLERR;
	return events;
}

const struct file_operations grabber_frame_fops = {
	.owner = THIS_MODULE,
	.open = frame_open,
	.release = frame_release,
	.read_iter = frame_read_iter,
	.poll = frame_poll,
	.unlocked_ioctl = grabber_frame_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = grabber_frame_mmap,
};
