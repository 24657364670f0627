// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of /dev/grabberN. Every structure goes in and out whole, with the
 * reserved members checked on the way in and zero on the way out.
 */
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "card.h"

/**
 * grabber_put_info() - GRABBER_IOC_INFO, on either node
 * @file: the open file
 * @to: the program's struct grabber_info
 *
 * Return: 0 or -EFAULT.
 */
int grabber_put_info(struct grabber_file *file, void __user *to)
{
	struct grabber_info info;

	grabber_info_fill(file->card, grabber_choice_bar(READ_ONCE(file->choice)), &info);
	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static int get_stats(struct grabber_file *file, void __user *to)
{
	struct grabber_card *card = file->card;
	const struct grabber_ring *ring = &card->ring;
	struct grabber_stats stats = { };

	spin_lock_irq(&card->wait.lock);
	stats.begun = ring->sequence;
	stats.delivered = ring->delivered;
	stats.truncated = ring->truncated;
	stats.dropped_no_slot = ring->lost[GRABBER_LOSS_NO_SLOT];
	stats.dropped_error = ring->lost[GRABBER_LOSS_ERROR];
	stats.dropped_stop = ring->lost[GRABBER_LOSS_STOP];
	stats.lost_by_card = ring->lost[GRABBER_LOSS_CARD];
	stats.reader_delivered = file->delivered_total;
	stats.reader_missed = file->missed_total;
	stats.reader_next = file->cursor;
	stats.held = ring->held;
	stats.stalls = ring->stalls;
	spin_unlock_irq(&card->wait.lock);
	stats.readers = READ_ONCE(card->readers);
	return copy_to_user(to, &stats, sizeof(stats)) ? -EFAULT : 0;
}

static int give_slot(struct grabber_file *file, u32 slot)
{
	struct grabber_card *card = file->card;
	int err = -EINVAL;

	if (slot >= GRABBER_RING_SLOTS_MAX)
		return -EINVAL;
	slot = array_index_nospec(slot, GRABBER_RING_SLOTS_MAX);
	spin_lock_irq(&card->wait.lock);
	if (__test_and_clear_bit(slot, file->held)) {
		grabber_slot_release(file, slot, &file->holding);
		err = 0;
	}
	spin_unlock_irq(&card->wait.lock);
	return err;
}

static int give(struct grabber_file *file, void __user *from)
{
	struct grabber_give args;

	if (copy_from_user(&args, from, sizeof(args)))
		return -EFAULT;
	if (args.flags)
		return -EINVAL;
	return give_slot(file, args.slot);
}

/* A reader by the status page says how far it came. */
static int seek(struct grabber_file *file, void __user *from)
{
	struct grabber_card *card = file->card;
	struct grabber_seek args;
	u64 passed;
	int err = -EINVAL;

	if (copy_from_user(&args, from, sizeof(args)))
		return -EFAULT;
	spin_lock_irq(&card->wait.lock);
	passed = args.frame - file->cursor;
	if (args.frame >= file->cursor && args.frame <= card->ring.ordinal &&
	    args.missed <= passed) {
		WRITE_ONCE(file->cursor, args.frame);
		file->missed_total += args.missed;
		file->delivered_total += passed - args.missed;
		err = 0;
	}
	spin_unlock_irq(&card->wait.lock);
	return err;
}

/*
 * Wait for a frame and hold it. Return: its slot or an error; -ERESTARTSYS: a signal came,
 * and *END says when the wait is over.
 */
static int take_slot(struct grabber_file *file, struct grabber_take *args, ktime_t *end)
{
	s64 timeout_ns = file->filp->f_flags & O_NONBLOCK ? 0 : args->timeout_ns;
	enum grabber_want want = args->flags & GRABBER_TAKE_NEWEST ? GRABBER_WANT_NEWEST :
				 GRABBER_WANT_NEXT;
	int err = grabber_capture_want(file, false);
	bool again = false;
	int slot;

	WRITE_ONCE(file->want, want);
	if (err && err != -ENODEV)
		return err;
	for (;; again = true) {
		slot = grabber_frame_take(file, want == GRABBER_WANT_NEWEST, args);
		if (slot != -EAGAIN)
			return slot;
		/* A reader that holds all it may would wait for itself. */
		if (READ_ONCE(file->holding) >= READ_ONCE(file->card->ring.hold_max))
			return -EBUSY;
		/* Another thread on this file, or another reader, may have been faster. */
		if (again && signal_pending(current))
			return -ERESTARTSYS;
		err = grabber_frame_wait(file, want, timeout_ns, end);
		if (!err)
			continue;
		if (err == -ERESTARTSYS || !grabber_frame_ready(file, GRABBER_WANT_READ))
			return err;
		/* There is a frame. It came just now, or others hold as many as may be held,
		 * or as this file may.
		 */
		if (!grabber_frame_ready(file, want))
			return -EBUSY;
	}
}

/* What TAKE tells, member by member: a reader wakes sooner than by copy_to_user(). */
static int put_take(struct grabber_take __user *to, const struct grabber_take *from)
{
	if (!user_write_access_begin(to, sizeof(*to)))
		return -EFAULT;
	unsafe_put_user(from->slot, &to->slot, fault);
	unsafe_put_user(from->sequence, &to->sequence, fault);
	unsafe_put_user(from->timestamp_ns, &to->timestamp_ns, fault);
	unsafe_put_user(from->missed, &to->missed, fault);
	unsafe_put_user(from->offset, &to->offset, fault);
	unsafe_put_user(from->bytes, &to->bytes, fault);
	unsafe_put_user(from->frame_flags, &to->frame_flags, fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/*
 * A signal came. Where no handler runs, or one that lets calls go on, the kernel makes the
 * same call again; else the program gets EINTR and may do so. Either way it goes on where
 * it was, for the structure says that the slot was given back and when the wait is over.
 */
static int put_restart(struct grabber_take __user *to, u32 flags, ktime_t end)
{
	if (put_user(flags | GRABBER_TAKE_RESTARTED, &to->flags) ||
	    put_user(ktime_to_ns(end), &to->deadline_ns))
		return -EFAULT;
	return -ERESTARTSYS;
}

/* The call goes on, and what it left in the structure has done its duty. */
static int take_again(struct grabber_take __user *user, const struct grabber_take *args,
		      ktime_t *end)
{
	const u32 flags = GRABBER_TAKE_NEWEST | GRABBER_TAKE_GIVE;

	if (args->flags & ~(flags | GRABBER_TAKE_RESTARTED) || args->deadline_ns < 0 ||
	    !(args->flags & GRABBER_TAKE_RESTARTED))
		return -EINVAL;
	if (put_user(args->flags & flags, &user->flags) || put_user(0, &user->deadline_ns))
		return -EFAULT;
	*end = ns_to_ktime(args->deadline_ns);
	return 0;
}

static int take(struct grabber_file *file, struct grabber_take __user *user)
{
	struct grabber_take args;
	ktime_t end = 0;
	int slot = 0;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.flags & ~(GRABBER_TAKE_NEWEST | GRABBER_TAKE_GIVE) || args.deadline_ns)
		slot = take_again(user, &args, &end);
	else if (args.flags & GRABBER_TAKE_GIVE)
		slot = give_slot(file, args.slot);
	if (slot)
		return slot;
	slot = take_slot(file, &args, &end);
	if (slot < 0)
		return slot == -ERESTARTSYS ? put_restart(user, args.flags, end) : slot;

	if (put_take(user, &args)) {
		/* The program will never know which slot it holds. */
		give_slot(file, slot);
		return -EFAULT;
	}
	return 0;
}

/* No more frames for this file. Who sleeps in another call on it need not wait for one. */
static int stop(struct grabber_file *file)
{
	grabber_capture_unwant(file);
	grabber_wake_all(file->card);
	return 0;
}

/**
 * grabber_frame_ioctl() - the ioctls of the frame node
 * @filp: the file
 * @cmd: GRABBER_IOC_*
 * @arg: the program's structure
 *
 * Return: 0 or an error, as the uapi header says for each.
 */
long grabber_frame_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	void __user *user = (void __user *)arg;

	/* What a reader still needs when the card is gone: the frames that came
	 * before, their slots and the final count. The call that each frame needs
	 * comes first.
	 */
	if (cmd == GRABBER_IOC_TAKE)
		return take(file, user);
	switch (cmd) {
	case GRABBER_IOC_GIVE:
		return give(file, user);
	case GRABBER_IOC_EXPORT:
		return grabber_export_slot(file, user);
	case GRABBER_IOC_SEEK:
		return seek(file, user);
	case GRABBER_IOC_GET_STATS:
		return get_stats(file, user);
	case GRABBER_IOC_STOP:
		return stop(file);
	case GRABBER_IOC_INFO:
	case GRABBER_IOC_ENUM_BAR:
	case GRABBER_IOC_GET_FORMAT:
	case GRABBER_IOC_SET_FORMAT:
	case GRABBER_IOC_ENUM_FORMAT:
	case GRABBER_IOC_GET_BUFFER:
	case GRABBER_IOC_SET_BUFFER:
	case GRABBER_IOC_START:
		break;
	default:
		return -ENOTTY;
	}

	if (READ_ONCE(card->gone))
		return -ENODEV;
	/* What these change, they change for all who use the card. */
	if ((cmd == GRABBER_IOC_SET_FORMAT || cmd == GRABBER_IOC_SET_BUFFER) &&
	    !(filp->f_mode & FMODE_WRITE))
		return -EACCES;
	switch (cmd) {
	case GRABBER_IOC_INFO:
		return grabber_put_info(file, user);
	case GRABBER_IOC_ENUM_BAR:
		return grabber_enum_bar(file, user);
	case GRABBER_IOC_GET_FORMAT:
		return grabber_put_format(card, user);
	case GRABBER_IOC_SET_FORMAT:
		return grabber_set_format(card, user);
	case GRABBER_IOC_ENUM_FORMAT:
		return grabber_enum_format(card, user);
	case GRABBER_IOC_GET_BUFFER:
		return grabber_put_buffer(card, user);
	case GRABBER_IOC_SET_BUFFER:
		return grabber_set_buffer(card, user);
	default:
		return grabber_capture_begin(file, false);
	}
}
