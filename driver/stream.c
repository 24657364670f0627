// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture: on while any open file wants it, off across suspend and reset, and
 * restarted after an engine error. A frame's way from the board to the ring is here
 * too.
 */
#include <linux/poll.h>

#include "card.h"
#include "status.h"
#include "trace.h"

/* How often to look for a lost interrupt or a vanished card, in milliseconds:
 * well within the second that a person takes for "at once".
 */
#define WATCHDOG_MS	200
/* Pause before a restart after an engine error. It doubles each time until a frame has
 * come: a card that fails at once again must not eat a processor.
 */
#define RECOVERY_MS	10U
#define RECOVERY_MS_MAX	1280U

/* Hand free slots to the card until it has as many as it should have. */
static void feed_card(struct grabber_card *card)
{
	int slot;

	lockdep_assert_held(&card->wait.lock);
	if (!card->running)
		return;
	while ((slot = grabber_ring_queue(&card->ring)) >= 0) {
		grabber_buffer_for_card(&card->buffer.slots[slot], card->dev);
		trace_grabber_queued(card, slot);
		card->board->queue(card, slot);
	}
}

/**
 * grabber_frame_done() - a board says: this slot has a frame
 * @card: the card; its lock is held
 * @slot: slot that was given to the board by queue()
 * @bytes: length of the frame, at most the slot's size
 * @flags: GRABBER_FRAME_TRUNCATED or GRABBER_FRAME_SHORT, or 0
 * @when: time of the interrupt that told of it, when the frame was complete for sure;
 *	0: now
 */
void grabber_frame_done(struct grabber_card *card, u32 slot, u32 bytes,
			u32 flags, ktime_t when)
{
	lockdep_assert_held(&card->wait.lock);
	if (!when)
		when = ktime_get();
	card->failures = 0;
	grabber_buffer_for_cpu(&card->buffer.slots[slot], card->dev);
	grabber_ring_done(&card->ring, slot, bytes, flags, ktime_to_ns(when));
	trace_grabber_done(card, slot, card->ring.slots[slot].flags);
	feed_card(card);
	wake_up_locked_poll(&card->wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * grabber_frames_lost() - a board says: these frames were begun and will not come
 * @card: the card; its lock is held
 * @cause: why
 * @frames: how many
 */
void grabber_frames_lost(struct grabber_card *card, enum grabber_loss cause, u64 frames)
{
	lockdep_assert_held(&card->wait.lock);
	if (frames)
		trace_grabber_lost(card, cause, frames);
	grabber_ring_lose(&card->ring, cause, frames);
}

/**
 * grabber_discontinuity() - a board says: nobody knows what was before the next frame
 * @card: the card; its lock is held
 */
void grabber_discontinuity(struct grabber_card *card)
{
	lockdep_assert_held(&card->wait.lock);
	card->ring.discontinuity = true;
}

/**
 * grabber_slot_unused() - a board gives a slot back that has no frame
 * @card: the card; its lock is held
 * @slot: the slot
 */
void grabber_slot_unused(struct grabber_card *card, u32 slot)
{
	lockdep_assert_held(&card->wait.lock);
	grabber_ring_unqueue(&card->ring, slot);
	feed_card(card);
}

/**
 * grabber_slot_release() - a reader gives a slot up
 * @card: the card; its lock is held
 * @slot: a slot that the reader holds
 */
void grabber_slot_release(struct grabber_card *card, u32 slot)
{
	lockdep_assert_held(&card->wait.lock);
	trace_grabber_given(card, slot, card->ring.slots[slot].flags);
	grabber_ring_release(&card->ring, slot);
	feed_card(card);
	if (wq_has_sleeper(&card->hold_wait))
		wake_up_interruptible(&card->hold_wait);
}

/* Later each time, as long as no frame comes. */
static void schedule_recovery(struct grabber_card *card)
{
	unsigned int ms = min(RECOVERY_MS << card->failures, RECOVERY_MS_MAX);

	lockdep_assert_held(&card->wait.lock);
	if (schedule_delayed_work(&card->recovery, msecs_to_jiffies(ms)) && ms < RECOVERY_MS_MAX)
		card->failures++;
}

/**
 * grabber_card_recover() - a board says: the engine needs to be started anew
 * @card: the card; its lock is held
 *
 * The restart follows soon, in a context that may sleep.
 */
void grabber_card_recover(struct grabber_card *card)
{
	if (card->running)
		schedule_recovery(card);
}

/* Not even the restart worked. */
static void retry(struct grabber_card *card)
{
	spin_lock_irq(&card->wait.lock);
	schedule_recovery(card);
	spin_unlock_irq(&card->wait.lock);
}

static void set_running(struct grabber_card *card, bool running)
{
	lockdep_assert_held(&card->wait.lock);
	card->running = running;
	card->put_off = false;
	grabber_status_flag(card->buffer.status, GRABBER_STATUS_STREAMING, running);
}

static int start(struct grabber_card *card)
{
	int err;

	lockdep_assert_held(&card->mutex);
	spin_lock_irq(&card->wait.lock);
	set_running(card, true);
	feed_card(card);
	spin_unlock_irq(&card->wait.lock);

	err = card->board->start(card);
	if (err) {
		spin_lock_irq(&card->wait.lock);
		set_running(card, false);
		grabber_ring_stop(&card->ring);
		spin_unlock_irq(&card->wait.lock);
		dev_err_ratelimited(card->dev, "capture cannot be started (%d)\n", err);
		return -EIO;
	}
	card->streaming = true;
	schedule_delayed_work(&card->watchdog, msecs_to_jiffies(WATCHDOG_MS));
	return 0;
}

static void stop(struct grabber_card *card, enum grabber_loss cause)
{
	lockdep_assert_held(&card->mutex);
	if (!card->streaming)
		return;
	card->streaming = false;
	/* The board still gets its interrupts, to empty what the card has finished. */
	card->board->stop(card, cause);
	spin_lock_irq(&card->wait.lock);
	set_running(card, false);
	grabber_ring_stop(&card->ring);
	spin_unlock_irq(&card->wait.lock);
}

static bool is_gone(struct grabber_card *card)
{
	return READ_ONCE(card->gone);
}

/**
 * grabber_capture_begin() - an open file wants frames from now on
 * @file: the file
 *
 * Return: 0; -EIO when the card could not be started; -ENODEV; -ERESTARTSYS.
 */
int grabber_capture_begin(struct grabber_file *file)
{
	struct grabber_card *card = file->card;
	int err = 0;

	if (mutex_lock_interruptible(&card->mutex))
		return -ERESTARTSYS;
	if (file->wants_capture)
		goto out;
	if (is_gone(card)) {
		err = -ENODEV;
		goto out;
	}
	/* While paused, capture goes on with the resume. */
	if (!card->streaming && !card->paused)
		err = start(card);
	if (!err) {
		WRITE_ONCE(file->wants_capture, true);
		card->users++;
	}
out:
	mutex_unlock(&card->mutex);
	return err;
}

/**
 * grabber_capture_unwant() - an open file wants no more frames
 * @file: the file
 */
void grabber_capture_unwant(struct grabber_file *file)
{
	struct grabber_card *card = file->card;

	mutex_lock(&card->mutex);
	if (file->wants_capture) {
		WRITE_ONCE(file->wants_capture, false);
		if (!--card->users)
			stop(card, GRABBER_LOSS_STOP);
	}
	mutex_unlock(&card->mutex);
}

/**
 * grabber_card_pause() - suspend or reset: end DMA, but remember who wants frames
 * @card: the card
 */
void grabber_card_pause(struct grabber_card *card)
{
	mutex_lock(&card->mutex);
	card->paused = true;
	stop(card, GRABBER_LOSS_STOP);
	mutex_unlock(&card->mutex);
	grabber_stream_cancel(card);
}

/**
 * grabber_stream_cancel() - wait for all work on a card whose capture is off
 * @card: the card
 *
 * Nobody starts it again, for that needs capture on.
 */
void grabber_stream_cancel(struct grabber_card *card)
{
	cancel_delayed_work_sync(&card->watchdog);
	cancel_delayed_work_sync(&card->recovery);
	cancel_work_sync(&card->rest);
}

/**
 * grabber_card_resume() - undo grabber_card_pause()
 * @card: the card
 *
 * The first frame has the discontinuity flag.
 *
 * Return: 0, or -EIO when the card could not be started again.
 */
int grabber_card_resume(struct grabber_card *card)
{
	int err = 0;

	mutex_lock(&card->mutex);
	card->paused = false;
	if (card->users && !card->streaming && !is_gone(card)) {
		err = start(card);
		if (err)
			retry(card);
	}
	mutex_unlock(&card->mutex);
	return err;
}

/**
 * grabber_stream_end() - the card is gone: capture ends for good
 * @card: the card; its mutex is held and @gone is set
 */
void grabber_stream_end(struct grabber_card *card)
{
	stop(card, GRABBER_LOSS_STOP);
}

static void watchdog(struct work_struct *work)
{
	struct grabber_card *card = container_of(work, struct grabber_card, watchdog.work);

	if (!card->present(card->dev)) {
		dev_err(card->dev, "the card does not answer any more: capture ended\n");
		grabber_card_gone(card);
		return;
	}
	spin_lock_irq(&card->wait.lock);
	if (card->running && !card->interrupts)
		grabber_card_look(card);
	card->interrupts = 0;
	spin_unlock_irq(&card->wait.lock);
	if (READ_ONCE(card->streaming))
		schedule_delayed_work(&card->watchdog, msecs_to_jiffies(WATCHDOG_MS));
}

static void recovery(struct work_struct *work)
{
	struct grabber_card *card = container_of(work, struct grabber_card, recovery.work);

	mutex_lock(&card->mutex);
	if (card->users && !card->paused && !is_gone(card)) {
		stop(card, GRABBER_LOSS_ERROR);
		/* Those who wait for frames go on waiting; the log has the reason. */
		if (start(card))
			retry(card);
	}
	mutex_unlock(&card->mutex);
}

/**
 * grabber_stream_init() - set up what capture needs in a new card
 * @card: the card
 */
void grabber_stream_init(struct grabber_card *card)
{
	INIT_DELAYED_WORK(&card->watchdog, watchdog);
	INIT_DELAYED_WORK(&card->recovery, recovery);
	grabber_interrupt_prepare(card);
}
