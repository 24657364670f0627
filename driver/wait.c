// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for a frame. A reader is ready when the call that it waits for would give it
 * one now: there is a frame that it did not have, and for TAKE also room to hold it.
 */
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>

#include "card.h"

/* From this frame on, the first that a reader may still have. */
static int left_from(struct grabber_file *file, u64 cursor)
{
	const struct grabber_ring *ring = &file->card->ring;
	int slot = grabber_ring_find(ring, cursor, false);

	return slot >= 0 && ring->slots[slot].ordinal < file->end ? slot : -1;
}

/**
 * grabber_frame_left() - find the next frame of a reader that said STOP
 * @file: the reader; the card's lock is held
 * @newest: rather the last from before STOP, if it is there
 *
 * Where others went on, frames from before STOP may be gone, and later ones are there.
 *
 * Return: its slot; -1 when all that it may still have are gone.
 */
int grabber_frame_left(struct grabber_file *file, bool newest)
{
	int slot = -1;

	if (file->cursor >= file->end)
		return -1;
	if (newest)
		slot = left_from(file, file->end - 1);
	return slot >= 0 ? slot : left_from(file, file->cursor);
}

static bool has_frame_left(struct grabber_file *file)
{
	struct grabber_card *card = file->card;
	bool has;

	spin_lock_irq(&card->wait.lock);
	has = grabber_frame_left(file, false) >= 0;
	spin_unlock_irq(&card->wait.lock);
	return has;
}

/*
 * Whether there is a frame that this reader did not have. The newest frame is never
 * taken away, so one number tells: but not of those from before SET_BUFFER, nor after
 * STOP.
 */
static bool has_frame(struct grabber_file *file)
{
	/* The status page has what this number has: grabber_ring_done(). */
	u64 frames = smp_load_acquire(&file->card->ring.ordinal);

	if (READ_ONCE(file->capture) == GRABBER_CAPTURE_STOPPED)
		return has_frame_left(file);
	return frames > READ_ONCE(file->cursor) && frames > READ_ONCE(file->card->ring.base);
}

/* Others hold all that may be held: a frame can be held if one of them has it too. */
static bool may_join(struct grabber_file *file, bool newest)
{
	struct grabber_card *card = file->card;
	int slot;
	bool may;

	spin_lock_irq(&card->wait.lock);
	slot = grabber_frame_find(file, newest);
	may = slot >= 0 && card->ring.slots[slot].holds;
	spin_unlock_irq(&card->wait.lock);
	return may;
}

/**
 * grabber_frame_ready() - whether a call would give a reader a frame now
 * @file: the reader
 * @want: the call
 *
 * Return: true when it would.
 */
bool grabber_frame_ready(struct grabber_file *file, enum grabber_want want)
{
	const struct grabber_ring *ring = &file->card->ring;

	if (!has_frame(file))
		return false;
	if (want == GRABBER_WANT_READ)
		return true;
	if (grabber_share_used(file))
		return false;
	return READ_ONCE(ring->held) < READ_ONCE(ring->hold_total) ||
	       may_join(file, want == GRABBER_WANT_NEWEST);
}

/* There are no more: the card is gone, or cannot be started, or the reader said STOP. */
static bool is_over(struct grabber_file *file)
{
	return (READ_ONCE(file->card->gone) || READ_ONCE(file->card->broken) ||
		READ_ONCE(file->capture) == GRABBER_CAPTURE_STOPPED) && !has_frame(file);
}

static bool ready_or_over(struct grabber_file *file, enum grabber_want want)
{
	return grabber_frame_ready(file, want) || is_over(file);
}

/*
 * wait_event() would do, but looks once more before it returns, and queues up for that,
 * although who wakes a reader has taken it off the queue, as a rule for a frame that is
 * there. The caller looks anyhow, with the lock held.
 */
static int sleep_for_frame(struct grabber_file *file, enum grabber_want want, s64 timeout_ns,
			   ktime_t *end)
{
	struct wait_queue_head *queue = &file->card->wait;
	DEFINE_WAIT(wait);
	bool late = false;
	int err = 0;

	if (timeout_ns > 0 && !*end)
		*end = ktime_add_safe(ktime_get(), ns_to_ktime(timeout_ns));
	do {
		prepare_to_wait(queue, &wait, TASK_INTERRUPTIBLE);
		if (ready_or_over(file, want))
			break;
		if (signal_pending(current))
			err = -ERESTARTSYS;
		else if (late)
			err = -ETIMEDOUT;
		else if (timeout_ns < 0)
			schedule();
		else
			late = !schedule_hrtimeout(end, HRTIMER_MODE_ABS);
	} while (late && !err);
	finish_wait(queue, &wait);
	return err;
}

/**
 * grabber_frame_wait() - wait until a call may give a reader a frame, or never will
 * @file: the reader
 * @want: the call
 * @timeout_ns: longest wait; 0: none, negative: no limit
 * @end: when that is over; 0: it begins now, and this is filled in. So a call that has
 *	to wait once more does not wait for longer
 *
 * Return: 0: try the call again; -EAGAIN: no wait was asked for; -ETIMEDOUT;
 * -ERESTARTSYS: a signal came before any wait.
 */
int grabber_frame_wait(struct grabber_file *file, enum grabber_want want, s64 timeout_ns,
		       ktime_t *end)
{
	if (ready_or_over(file, want))
		return 0;
	if (!timeout_ns)
		return -EAGAIN;
	return sleep_for_frame(file, want, timeout_ns, end);
}
