// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way to memory. This is the one place that opens and closes it.
 *
 * A function has one way to memory, and all its cards use it. Memory that a card may
 * write goes back to the kernel only when the card cannot write it any more:
 *
 * - The way is open only while a card captures: opening it is the first step of the
 *   first start, closing it the last of the last stop. It is closed before a probe does
 *   anything else, and stays so over suspend, resume and every reset.
 * - A card is started only when it is seen to be quiet. An engine that did not stop
 *   would go on at the addresses it had, whosever they are by now. Such a card is
 *   reset, and where that does not help it is not started.
 * - A card that was not seen to be quiet when it was stopped is @unquiet. It is reset
 *   before its memory is given up, for others may open the way.
 * - A reset is one of the whole function. It waits until no other card captures: until
 *   then the unquiet card keeps its memory, and is not started. What it may still write
 *   are slots that had no frame when it was stopped, and no card has now.
 * - Before the way is opened anew, the function is reset for each card that is unquiet,
 *   whoever starts. Where that does not help, the others are started all the same: the
 *   memory of the unquiet card is still its own. Unless it was found at work: then it is
 *   not known whose that memory is, and none is started.
 *
 * Interrupts that are messages need the way, too. So it is also open while a program
 * waits for interrupts of the user logic. It is opened by the same rules: the function is
 * reset for each card that is unquiet. A reset closes it for a moment.
 *
 * A card of which only a program knows how to stop it (board without quiet()) is
 * never seen to be quiet. Its way may be opened as long as its memory is the same:
 * all that it can have been told of is still its own.
 */
#include <linux/bits.h>
#include <linux/jiffies.h>

#include "card.h"

/* Starts that fail again and again must not keep the card in reset. */
#define RESET_INTERVAL	HZ

/* Bits of grabber_function.open: cards that capture, and those whose users wait for
 * interrupts.
 */
#define CAPTURING	GENMASK(GRABBER_CHANNELS_MAX - 1, 0)

static u32 interrupts_bit(const struct grabber_card *card)
{
	return BIT(GRABBER_CHANNELS_MAX + card->channel);
}

static void look_quiet(struct grabber_card *card)
{
	lockdep_assert_held(&card->function->mutex);
	card->unquiet = !card->board->quiet || card->board->quiet(card);
	if (!card->unquiet)
		card->stray = false;
}

/*
 * Whether any card of the function may write to memory that was never its own. Then the way
 * is not opened for any. (What an unquiet card was told by us is still its own.)
 */
static bool any_stray(struct grabber_function *function)
{
	u32 i;

	for (i = 0; i < function->ncards; i++) {
		struct grabber_card *card = function->cards[i];

		if (!card->stray)
			continue;
		dev_err_ratelimited(card->dev,
				    "%sit was found at work, and no reset stops it: it would write to memory of others; power it off\n",
				    card->label);
		return true;
	}
	return false;
}

/* Of cards that do not capture; @unquiet says what came of it. Return: as the bus does. */
static int reset(struct grabber_function *function, bool locked)
{
	int err;
	u32 i;

	for (i = 0; i < function->ncards; i++)
		grabber_window_close(function->cards[i], true);
	err = function->bus->reset(function->dev, locked);
	/* For interrupts it may still be wanted. */
	if (function->open)
		function->bus->master(function->dev, true);
	for (i = 0; i < function->ncards; i++)
		grabber_window_open(function->cards[i]);
	if (err)
		return err;
	for (i = 0; i < function->ncards; i++) {
		struct grabber_card *card = function->cards[i];

		if (!card->board->quiet)
			card->unquiet = false;
		else if (card->unquiet)
			look_quiet(card);
	}
	return 0;
}

/* A reset before a start, unless there was one a moment ago. Return: 0 or -EAGAIN. */
static int reset_for_start(struct grabber_function *function)
{
	if (time_before(jiffies, function->next_reset))
		return 0;
	if (reset(function, false) == -EAGAIN)
		return -EAGAIN;
	function->next_reset = jiffies + RESET_INTERVAL;
	return 0;
}

/* Whether any card of the function may go on where it was, now that the way is opened. */
static bool any_unquiet(struct grabber_function *function)
{
	bool any = false;
	u32 i;

	for (i = 0; i < function->ncards; i++) {
		struct grabber_card *card = function->cards[i];

		if (card->unquiet)
			look_quiet(card);
		any |= card->unquiet;
	}
	return any;
}

/* Make sure that a card is quiet. Return: as grabber_dma_open(). */
static int make_quiet(struct grabber_card *card)
{
	struct grabber_function *function = card->function;
	int err;

	/* Each start has the card looked at, whatever was seen before. */
	card->unquiet = true;
	if (function->open & CAPTURING) {
		look_quiet(card);
		if (!card->unquiet)
			return 0;
		return function->bus->present(function->dev) ? -EBUSY : -ENODEV;
	}
	if (!any_unquiet(function))
		return 0;
	if (!function->bus->present(function->dev))
		return -ENODEV;
	err = reset_for_start(function);
	if (err)
		return err;
	return card->unquiet || any_stray(function) ? -EIO : 0;
}

/**
 * grabber_dma_open() - the first step of a start: let the card write to memory
 * @card: the card; its mutex is held, and no slot is queued
 *
 * Return: 0; -ENODEV: it does not answer; -EAGAIN: try again in a moment. Else the card
 * would write where it was told to before: -EBUSY: and cannot be reset, for other cards
 * of its function capture; -EIO: and no reset helps.
 */
int grabber_dma_open(struct grabber_card *card)
{
	struct grabber_function *function = card->function;
	bool was_open;
	int err = 0;

	lockdep_assert_held(&card->mutex);
	mutex_lock(&function->mutex);
	was_open = function->open;
	if (card->board->quiet)
		err = make_quiet(card);
	else
		card->unquiet = true;
	if (!err) {
		function->open |= BIT(card->channel);
		function->bus->master(function->dev, true);
		/* A line that came meanwhile had no way for its message. */
		if (!was_open)
			grabber_lines_anew(function);
	}
	mutex_unlock(&function->mutex);
	return err;
}

static void say_unquiet(struct grabber_card *card)
{
	struct grabber_function *function = card->function;

	if (!card->board->quiet || !function->bus->present(function->dev))
		return;
	if (function->open & CAPTURING)
		dev_warn_ratelimited(card->dev,
				     "%sthe DMA engine did not stop: its buffer is kept, and it is not started, until the other channels stop and the card can be reset\n",
				     card->label);
	else if (function->open)
		dev_warn_ratelimited(card->dev,
				     "%sthe DMA engine did not stop: its buffer is kept until a start resets the card\n",
				     card->label);
	else
		dev_warn_ratelimited(card->dev,
				     "%sthe DMA engine did not stop: its way to memory is closed\n",
				     card->label);
}

/**
 * grabber_dma_close() - the last step of a stop: the card does not need the way any more
 * @card: the card
 * @quiet: it was seen to have ended all it was doing
 *
 * What the card has written is in memory when this returns; unless it is not quiet, and
 * others need the way.
 */
void grabber_dma_close(struct grabber_card *card, bool quiet)
{
	struct grabber_function *function = card->function;

	mutex_lock(&function->mutex);
	function->open &= ~BIT(card->channel);
	if (!function->open)
		function->bus->master(function->dev, false);
	if (!quiet) {
		card->unquiet = true;
		say_unquiet(card);
	}
	mutex_unlock(&function->mutex);
}

/* Return: as grabber_dma_open_interrupts(). */
static int open_interrupts(struct grabber_card *card)
{
	struct grabber_function *function = card->function;

	if (!card->board->quiet) {
		card->unquiet = true;
	} else if (!function->open && any_unquiet(function)) {
		if (function->bus->present(function->dev) && reset_for_start(function))
			return -EAGAIN;
		if (any_stray(function))
			return -EIO;
	}
	function->open |= interrupts_bit(card);
	function->bus->master(function->dev, true);
	grabber_lines_anew(function);
	return 0;
}

/**
 * grabber_dma_open_interrupts() - a program waits for interrupts of the user logic
 * @card: the card, which is not paused; its mutex is held
 *
 * Return: 0; -EAGAIN: try again in a moment; -EIO: some card of its function would write
 * where it was told to by others.
 */
int grabber_dma_open_interrupts(struct grabber_card *card)
{
	struct grabber_function *function = card->function;
	int err = 0;

	lockdep_assert_held(&card->mutex);
	mutex_lock(&function->mutex);
	if (function->messages && !(function->open & interrupts_bit(card)))
		err = open_interrupts(card);
	mutex_unlock(&function->mutex);
	return err;
}

/**
 * grabber_dma_close_interrupts() - none does any more, or the card is about to be away
 * @card: the card; its mutex is held
 */
void grabber_dma_close_interrupts(struct grabber_card *card)
{
	struct grabber_function *function = card->function;

	lockdep_assert_held(&card->mutex);
	mutex_lock(&function->mutex);
	if (function->open & interrupts_bit(card)) {
		function->open &= ~interrupts_bit(card);
		if (!function->open)
			function->bus->master(function->dev, false);
	}
	mutex_unlock(&function->mutex);
}

/**
 * grabber_dma_shut() - a device was found: whoever had it before may have left it running
 * @function: the function, without cards
 */
void grabber_dma_shut(struct grabber_function *function)
{
	function->bus->master(function->dev, false);
}

/**
 * grabber_dma_found() - a card was found: is it quiet, whatever it did before?
 * @card: the card, not registered yet
 *
 * Where it is not, the first start of any card of its function resets it.
 */
void grabber_dma_found(struct grabber_card *card)
{
	mutex_lock(&card->function->mutex);
	if (card->board->quiet) {
		look_quiet(card);
		card->stray = card->unquiet;
	}
	mutex_unlock(&card->function->mutex);
}

/* Make sure that what a card was told before does not matter. Return: as below. */
static int settle(struct grabber_card *card, bool locked)
{
	struct grabber_function *function = card->function;
	int err;

	/* What is not there does not write. */
	if (!card->unquiet || !function->bus->present(function->dev))
		return 0;
	look_quiet(card);
	if (!card->unquiet)
		return 0;
	if (function->open & CAPTURING)
		return -EBUSY;
	err = reset(function, locked);
	err = err ?: card->unquiet ? -EIO : 0;
	/* The way may be open still: a program can have it written from here on. */
	if (!card->board->quiet && function->open)
		card->unquiet = true;
	return err;
}

/**
 * grabber_dma_settle() - the card's memory is about to be given up
 * @card: the card; its mutex is held and capture is off
 * @locked: the caller has the lock of card->dev
 *
 * Return: 0 when nothing the card was told before can make it write any more; -EBUSY:
 * that is not known, and other cards of its function capture; another error: it is not
 * known, and only its way to memory, which is closed, keeps it from writing.
 */
int grabber_dma_settle(struct grabber_card *card, bool locked)
{
	int err;

	lockdep_assert_held(&card->mutex);
	mutex_lock(&card->function->mutex);
	err = settle(card, locked);
	mutex_unlock(&card->function->mutex);
	return err;
}
