// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capture: on while any open file wants it, off across suspend and reset, and
 * restarted after an engine error. A frame's way from the board to the ring is here
 * too.
 *
 * The watchdog and the bus may both find that a card is away. The bus comes first: an
 * error that it reports (PCI: AER, DPC) can be recovered from, and what the watchdog
 * does is for good. So the watchdog waits while the bus is at it, and for
 * ABSENT_MAX looks before, in which the bus can say so.
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
/* Pause before a card that could not be started is tried again; it doubles, too. */
#define RETRY_FIRST	HZ
#define RETRY_LAST	(64 * HZ)
/* When nobody was to blame: somebody else was about to reset the card. */
#define RETRY_SOON	(HZ / 10)
/* How often in a row the watchdog finds a card absent that is gone. */
#define ABSENT_MAX	5
/* How long the bus may take to recover from an error: cards have up to 65 s to come up. */
#define PATIENCE	(90 * HZ)

/**
 * grabber_card_feed() - hand free slots to the card until it has as many as it should have
 * @card: the card; its lock is held
 */
void grabber_card_feed(struct grabber_card *card)
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

/* A board that did not forget() a slot would write over what others have there now. */
static bool is_with_board(struct grabber_card *card, u32 slot)
{
	lockdep_assert_held(&card->wait.lock);
	return !WARN_ONCE(card->ring.slots[slot].state != GRABBER_SLOT_QUEUED,
			  "grabber: board %s has slot %u, which is not queued\n",
			  card->board->name, slot);
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
	if (!is_with_board(card, slot))
		return;
	/* Readers were told that no more come. */
	if (card->gone) {
		grabber_frames_lost(card, GRABBER_LOSS_STOP, 1);
		grabber_ring_unqueue(&card->ring, slot);
		return;
	}
	if (!when)
		when = ktime_get();
	card->failures = 0;
	grabber_buffer_for_cpu(&card->buffer.slots[slot], card->dev);
	grabber_ring_done(&card->ring, slot, bytes, flags, ktime_to_ns(when));
	trace_grabber_done(card, slot, card->ring.slots[slot].flags);
	grabber_card_feed(card);
	grabber_wake(card, EPOLLIN | EPOLLRDNORM);
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
 * grabber_stalled() - a board says: the card had filled all its slots, and waited for one
 * @card: the card; its lock is held
 */
void grabber_stalled(struct grabber_card *card)
{
	lockdep_assert_held(&card->wait.lock);
	grabber_ring_stall(&card->ring);
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
	if (!is_with_board(card, slot))
		return;
	grabber_ring_unqueue(&card->ring, slot);
	grabber_card_feed(card);
}

/**
 * grabber_slot_release() - a reader gives a slot up, or its dma-buf goes
 * @file: the reader; its card's lock is held
 * @slot: the slot
 * @count: the one of the reader's two counts that becomes less
 */
void grabber_slot_release(struct grabber_file *file, u32 slot, u32 *count)
{
	struct grabber_card *card = file->card;
	bool full = card->ring.held == card->ring.hold_total;

	lockdep_assert_held(&card->wait.lock);
	trace_grabber_given(card, slot, card->ring.slots[slot].flags);
	grabber_ring_release(&card->ring, slot);
	grabber_card_feed(card);
	--*count;
	/* There is room to hold another one. Another thread may poll this file. */
	if ((full && card->ring.held < card->ring.hold_total) ||
	    file->holding + file->exporting + 1 == card->ring.hold_max)
		grabber_wake(card, EPOLLIN | EPOLLRDNORM);
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
	if (!card->running)
		return;
	card->ailing = true;
	schedule_recovery(card);
}

static void set_running(struct grabber_card *card, bool running)
{
	lockdep_assert_held(&card->wait.lock);
	card->running = running;
	card->put_off = false;
	card->ailing = false;
	if (running)
		grabber_status_flag(card->buffer.status, GRABBER_STATUS_STREAMING, true);
}

/*
 * No slot is with the board any more: the card is quiet, or kept from memory. Only now
 * whoever reads by the status page may conclude that no more frames come.
 */
static void take_slots(struct grabber_card *card)
{
	spin_lock_irq(&card->wait.lock);
	card->board->forget(card);
	grabber_ring_stop(&card->ring);
	grabber_status_flag(card->buffer.status, GRABBER_STATUS_STREAMING, false);
	spin_unlock_irq(&card->wait.lock);
}

static void let_run(struct grabber_card *card, bool run)
{
	spin_lock_irq(&card->wait.lock);
	set_running(card, run);
	grabber_card_feed(card);
	spin_unlock_irq(&card->wait.lock);
}

static int start_board(struct grabber_card *card)
{
	int err;

	let_run(card, true);
	err = card->board->start(card);
	if (!err)
		return 0;
	let_run(card, false);
	grabber_dma_close(card, card->board->quiet && !card->board->quiet(card));
	take_slots(card);
	return err;
}

/* Said once, for a card that does not work is tried again and again. */
static void set_broken(struct grabber_card *card, const char *what, int err)
{
	if (card->broken)
		return;
	dev_err(card->dev,
		"%s%s (%d): no capture; remove the card and let it be found again (echo 1 >/sys/bus/pci/devices/%s/remove; echo 1 >/sys/bus/pci/rescan), or power it off\n",
		card->label, what, err, card->bus_name);
	WRITE_ONCE(card->broken, true);
}

/* The card's way to memory was not opened. */
static void set_closed(struct grabber_card *card, int err)
{
	if (err == -ENODEV) {
		set_broken(card, "the card does not answer", err);
	} else if (err != -EBUSY) {
		set_broken(card, "it does not stop what it was doing, and a reset did not help",
			   err);
	} else if (!card->broken) {
		dev_err(card->dev,
			"%sit does not stop what it was doing, and cannot be reset while other channels capture: no capture on this one until they have stopped\n",
			card->label);
		WRITE_ONCE(card->broken, true);
	}
}

static int start(struct grabber_card *card)
{
	int err;

	lockdep_assert_held(&card->mutex);
	err = grabber_dma_open(card);
	if (err == -EAGAIN)
		return err;
	if (err) {
		set_closed(card, err);
		return -EIO;
	}
	err = start_board(card);
	if (err) {
		set_broken(card, "the card cannot be started", err);
		return -EIO;
	}
	WRITE_ONCE(card->broken, false);
	card->retry = RETRY_FIRST;
	card->absent = 0;
	card->streaming = true;
	schedule_delayed_work(&card->watchdog, msecs_to_jiffies(WATCHDOG_MS));
	return 0;
}

static void stop(struct grabber_card *card, enum grabber_loss cause)
{
	int err;

	lockdep_assert_held(&card->mutex);
	if (!card->streaming)
		return;
	WRITE_ONCE(card->streaming, false);
	/* The board still gets its interrupts, to empty what the card has finished. */
	let_run(card, false);
	err = card->board->stop(card, cause);
	grabber_dma_close(card, !err);
	take_slots(card);
}

static bool is_gone(struct grabber_card *card)
{
	return READ_ONCE(card->gone);
}

/* Sooner or later than it was to be until now. */
static void recover_in(struct grabber_card *card, unsigned long delay)
{
	mod_delayed_work(system_wq, &card->recovery, delay);
}

/* Somebody has the device's lock: a reset will be possible in a moment. */
static int start_or_soon(struct grabber_card *card)
{
	int err = start(card);

	if (err != -EAGAIN)
		return err;
	recover_in(card, RETRY_SOON);
	return 0;
}

/*
 * Start again what was on before. Where that fails, whoever waits for frames is told,
 * and it is tried again later, for whoever goes on waiting.
 */
static void restart(struct grabber_card *card)
{
	if (!card->users || card->streaming || card->paused || is_gone(card))
		return;
	if (!start_or_soon(card))
		return;
	grabber_wake_all(card);
	recover_in(card, card->retry);
	card->retry = min_t(unsigned long, 2 * card->retry, RETRY_LAST);
}

/**
 * grabber_capture_begin() - an open file wants frames from now on
 * @file: the file
 * @poll: for poll(), which cannot say that a signal came, and is not asked again
 *
 * Return: 0; -EIO when the card could not be started; -ENODEV; -ERESTARTSYS.
 */
int grabber_capture_begin(struct grabber_file *file, bool poll)
{
	struct grabber_card *card = file->card;
	int err = 0;

	if (poll ? mutex_lock_killable(&card->mutex) : mutex_lock_interruptible(&card->mutex))
		return -ERESTARTSYS;
	/* START says whether the card runs, also where it was started before. */
	if (file->capture == GRABBER_CAPTURE_WANTED && !card->broken)
		goto out;
	if (is_gone(card)) {
		err = -ENODEV;
		goto out;
	}
	/* While paused, capture goes on with the resume. */
	if (card->paused)
		err = card->broken ? -EIO : 0;
	else if (!card->streaming)
		err = start_or_soon(card);
	if (!err && file->capture != GRABBER_CAPTURE_WANTED) {
		WRITE_ONCE(file->capture, GRABBER_CAPTURE_WANTED);
		card->users++;
	}
out:
	mutex_unlock(&card->mutex);
	return err;
}

/**
 * grabber_capture_unwant() - an open file wants no more frames, until it says START
 * @file: the file
 *
 * It may still have those that are in the buffer.
 */
void grabber_capture_unwant(struct grabber_file *file)
{
	struct grabber_card *card = file->card;

	mutex_lock(&card->mutex);
	if (file->capture == GRABBER_CAPTURE_WANTED && !--card->users)
		stop(card, GRABBER_LOSS_STOP);
	spin_lock_irq(&card->wait.lock);
	if (file->capture != GRABBER_CAPTURE_STOPPED)
		file->end = card->ring.ordinal;
	WRITE_ONCE(file->capture, GRABBER_CAPTURE_STOPPED);
	spin_unlock_irq(&card->wait.lock);
	mutex_unlock(&card->mutex);
}

/* Let interrupts of the user logic come, if anybody waits for them. */
static int open_interrupts(struct grabber_card *card)
{
	int err;

	if (!card->line_users || card->paused || is_gone(card))
		return 0;
	err = grabber_dma_open_interrupts(card);
	if (err == -EAGAIN) {
		recover_in(card, RETRY_SOON);
		return 0;
	}
	return err;
}

/**
 * grabber_interrupts_want() - an open file waits for interrupts of the user logic
 * @file: the open file
 *
 * Until it is closed. They come also while nobody wants frames.
 *
 * Return: 0; -ERESTARTSYS; -EIO: the card would write where it was told to by others.
 */
int grabber_interrupts_want(struct grabber_file *file)
{
	struct grabber_card *card = file->card;
	int err = 0;

	if (READ_ONCE(file->interrupts))
		return 0;
	if (mutex_lock_interruptible(&card->mutex))
		return -ERESTARTSYS;
	if (!file->interrupts) {
		card->line_users++;
		err = open_interrupts(card);
		if (err)
			card->line_users--;
		else
			WRITE_ONCE(file->interrupts, true);
	}
	mutex_unlock(&card->mutex);
	return err;
}

/**
 * grabber_interrupts_unwant() - undo grabber_interrupts_want()
 * @file: the open file
 */
void grabber_interrupts_unwant(struct grabber_file *file)
{
	struct grabber_card *card = file->card;

	mutex_lock(&card->mutex);
	if (file->interrupts && !--card->line_users)
		grabber_dma_close_interrupts(card);
	file->interrupts = false;
	mutex_unlock(&card->mutex);
}

/**
 * grabber_card_pause() - end DMA for a while, but remember who wants frames
 * @card: the card
 * @why: what is about to happen to it
 *
 * Nobody touches its registers when this returns, unless it is only suspended.
 */
void grabber_card_pause(struct grabber_card *card, enum grabber_pause why)
{
	mutex_lock(&card->mutex);
	card->paused |= why;
	stop(card, GRABBER_LOSS_STOP);
	grabber_dma_close_interrupts(card);
	grabber_window_close(card, why != GRABBER_PAUSE_SUSPEND);
	mutex_unlock(&card->mutex);
	grabber_stream_cancel(card);
	/* Not every end of a recovery is told to drivers. */
	if (READ_ONCE(card->paused) & GRABBER_PAUSE_ERROR)
		recover_in(card, PATIENCE);
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
 * @why: what is over: bits of enum grabber_pause
 *
 * Capture goes on when nothing else keeps it paused. The first frame has the
 * discontinuity flag.
 */
void grabber_card_resume(struct grabber_card *card, u32 why)
{
	mutex_lock(&card->mutex);
	card->paused &= ~why;
	if (!card->paused) {
		WRITE_ONCE(card->cut_off, false);
		cancel_delayed_work(&card->recovery);
		grabber_window_open(card);
		open_interrupts(card);
		restart(card);
	}
	mutex_unlock(&card->mutex);
}

static void broke(struct grabber_card *card, const char *how)
{
	set_broken(card, how, -EIO);
	WRITE_ONCE(card->cut_off, true);
	grabber_wake_all(card);
	grabber_window_wake(card);
}

/**
 * grabber_card_broke() - a card that is paused could not be brought back
 * @card: the card
 * @how: what happened, for the log
 *
 * Whoever waits for it is told so. It may still come back by grabber_card_resume().
 */
void grabber_card_broke(struct grabber_card *card, const char *how)
{
	mutex_lock(&card->mutex);
	broke(card, how);
	mutex_unlock(&card->mutex);
}

/**
 * grabber_stream_end() - the card is gone: capture ends for good
 * @card: the card; its mutex is held and @gone is set
 */
void grabber_stream_end(struct grabber_card *card)
{
	stop(card, GRABBER_LOSS_STOP);
	grabber_dma_close_interrupts(card);
}

static void watchdog(struct work_struct *work)
{
	struct grabber_card *card = container_of(work, struct grabber_card, watchdog.work);
	const struct grabber_bus *bus = card->function->bus;
	bool present;

	/* Capture that is off may be so for a reset, in which no card answers. */
	if (!READ_ONCE(card->streaming))
		return;
	present = bus->present(card->dev);
	card->absent = present || bus->recovering(card->dev) ? 0 : card->absent + 1;
	if (card->absent == ABSENT_MAX) {
		grabber_function_absent(card->function);
		return;
	}
	spin_lock_irq(&card->wait.lock);
	if (present && card->running && !card->interrupts)
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
	open_interrupts(card);
	if (card->paused & GRABBER_PAUSE_ERROR) {
		broke(card, "the link could not be brought back after an error");
	} else if (card->users && !card->paused &&
		   /* Whoever said START meanwhile may have brought it back. */
		   (!card->streaming || READ_ONCE(card->ailing))) {
		stop(card, GRABBER_LOSS_ERROR);
		restart(card);
	}
	mutex_unlock(&card->mutex);
}

/**
 * grabber_stream_init() - set up what capture needs in a new card
 * @card: the card
 */
void grabber_stream_init(struct grabber_card *card)
{
	card->retry = RETRY_FIRST;
	INIT_DELAYED_WORK(&card->watchdog, watchdog);
	INIT_DELAYED_WORK(&card->recovery, recovery);
	grabber_interrupt_prepare(card);
}
