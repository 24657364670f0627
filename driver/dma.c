// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's way to memory. This is the one place that opens and closes it.
 *
 * Memory that a card may write goes back to the kernel only when the card cannot
 * write it any more:
 *
 * - The way is open only while capture is on: opening it is the first step of a
 *   start, closing it the last of a stop. It is closed before a probe does anything
 *   else, and stays so over suspend, resume and every reset.
 * - It is opened only for a card that is seen to be quiet. An engine that did not
 *   stop would go on at the addresses it had, whosever they are by now. Such a card
 *   is reset, and where that does not help it is not started.
 * - A card that was not seen to be quiet when its way was closed is @unquiet. It is
 *   reset before its memory is given up, for whoever drives it next may open the way.
 *
 * A card of which only a program knows how to stop it (board without quiet()) is
 * never seen to be quiet. Its way may be opened as long as its memory is the same:
 * all that it can have been told of is still its own.
 */
#include <linux/jiffies.h>

#include "card.h"

/* Starts that fail again and again must not keep the card in reset. */
#define RESET_INTERVAL	HZ

static int look_quiet(struct grabber_card *card)
{
	int err = card->board->quiet ? card->board->quiet(card) : -EBUSY;

	card->unquiet = err;
	return err;
}

/*
 * Return: 0 when the card is quiet now; -EAGAIN: somebody else is about to reset or
 * remove it; or why it is not quiet.
 */
static int reset(struct grabber_card *card, bool locked)
{
	int err;

	grabber_window_close(card, true);
	err = card->bus->reset(card->dev, locked);
	grabber_window_open(card);
	if (err)
		return err;
	if (card->board->quiet)
		return look_quiet(card);
	card->unquiet = false;
	return 0;
}

/**
 * grabber_dma_open() - the first step of a start: let the card write to memory
 * @card: the card; its mutex is held, and no slot is queued
 *
 * Return: 0; -EAGAIN: try again in a moment; -EBUSY or another error: the card would
 * write where it was told to before, so the way stays closed.
 */
int grabber_dma_open(struct grabber_card *card)
{
	int err;

	lockdep_assert_held(&card->mutex);
	if (!card->board->quiet) {
		card->unquiet = true;
	} else if (look_quiet(card)) {
		if (!card->bus->present(card->dev))
			return -ENODEV;
		if (time_before(jiffies, card->next_reset))
			return -EBUSY;
		err = reset(card, false);
		if (err != -EAGAIN)
			card->next_reset = jiffies + RESET_INTERVAL;
		if (err)
			return err;
	}
	card->bus->master(card->dev, true);
	return 0;
}

/**
 * grabber_dma_close() - the last step of a stop: keep the card from memory
 * @card: the card
 * @quiet: it was seen to have ended all it was doing
 *
 * What the card has written is in memory when this returns.
 */
void grabber_dma_close(struct grabber_card *card, bool quiet)
{
	card->bus->master(card->dev, false);
	if (quiet)
		return;
	card->unquiet = true;
	if (card->board->quiet && card->bus->present(card->dev))
		dev_warn_ratelimited(card->dev,
				     "the DMA engine did not stop: its way to memory is closed\n");
}

/**
 * grabber_dma_settle() - the card's memory is about to be given up
 * @card: the card; its mutex is held and capture is off
 * @locked: the caller has the lock of card->dev
 *
 * Return: 0 when nothing the card was told before can make it write any more; an
 * error when that is not known: then only its way to memory, which is closed, keeps
 * it from writing.
 */
int grabber_dma_settle(struct grabber_card *card, bool locked)
{
	lockdep_assert_held(&card->mutex);
	/* What is not there does not write. */
	if (!card->unquiet || !card->bus->present(card->dev) || !look_quiet(card))
		return 0;
	return reset(card, locked);
}
