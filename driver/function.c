// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function's life, and what happens to all of its cards at once: function.h has the
 * picture.
 */
#include <linux/slab.h>

#include "card.h"
#include "function.h"

/**
 * grabber_function_create() - make the object for a device
 * @dev: the device
 * @board: its family
 * @bus: the bus that it is on
 *
 * Return: the function without cards, with one reference for the caller; NULL without
 * memory. grabber_function_release() undoes it.
 */
struct grabber_function *grabber_function_create(struct device *dev,
						 const struct grabber_board *board,
						 const struct grabber_bus *bus)
{
	struct grabber_function *function = kzalloc(sizeof(*function), GFP_KERNEL);

	if (!function)
		return NULL;
	kref_init(&function->ref);
	function->dev = get_device(dev);
	function->board = board;
	function->bus = bus;
	spin_lock_init(&function->command_lock);
	mutex_init(&function->mutex);
	grabber_bars_init(&function->bars);
	grabber_lines_init(&function->lines);
	function->next_reset = jiffies;
	return function;
}

static void function_free(struct kref *ref)
{
	struct grabber_function *function = container_of(ref, struct grabber_function, ref);

	put_device(function->dev);
	kfree(function);
}

/**
 * grabber_function_put() - drop a reference
 * @function: the function
 */
void grabber_function_put(struct grabber_function *function)
{
	kref_put(&function->ref, function_free);
}

/**
 * grabber_function_add_cards() - make a card for each channel
 * @function: the function, without cards
 * @channels: how many, 1 to GRABBER_CHANNELS_MAX
 *
 * Return: 0 or -ENOMEM.
 */
int grabber_function_add_cards(struct grabber_function *function, u32 channels)
{
	u32 i;

	function->channels = channels;
	for (i = 0; i < channels; i++) {
		function->cards[i] = grabber_card_create(function, i);
		if (!function->cards[i])
			return -ENOMEM;
		function->ncards = i + 1;
	}
	return 0;
}

/**
 * grabber_function_release() - the bus glue lets go of the function and its cards
 * @function: the function; no interrupt comes any more
 */
void grabber_function_release(struct grabber_function *function)
{
	u32 i;

	for (i = 0; i < function->ncards; i++)
		grabber_card_put(function->cards[i]);
	grabber_function_put(function);
}

/**
 * grabber_function_gone() - the hardware cannot be used any more
 * @function: the function
 *
 * No card of it captures when this returns. See grabber_card_gone().
 */
void grabber_function_gone(struct grabber_function *function)
{
	u32 i;

	for (i = 0; i < function->ncards; i++)
		grabber_card_gone(function->cards[i]);
}

/**
 * grabber_function_absent() - the hardware does not answer: the same, and say so once
 * @function: the function
 */
void grabber_function_absent(struct grabber_function *function)
{
	if (!atomic_xchg(&function->absent, 1))
		dev_err(function->dev, "the card does not answer any more: capture ended\n");
	grabber_function_gone(function);
}

/**
 * grabber_function_remove() - the device leaves, or could not be registered
 * @function: the function; the caller still has to release it, after its interrupts
 *	are freed
 *
 * Only when no card captures any more may the function be reset, for the sake of one
 * that does not stop; and only then does the memory of any of them go.
 */
void grabber_function_remove(struct grabber_function *function)
{
	u32 i;

	grabber_function_gone(function);
	grabber_lines_end(function);
	for (i = 0; i < function->ncards; i++)
		grabber_card_retire(function->cards[i]);
	for (i = 0; i < function->ncards; i++)
		grabber_card_settle(function->cards[i]);
}

/**
 * grabber_function_pause() - end all DMA for a while
 * @function: the function
 * @why: what is about to happen to it
 *
 * See grabber_card_pause().
 */
void grabber_function_pause(struct grabber_function *function, enum grabber_pause why)
{
	u32 i;

	for (i = 0; i < function->ncards; i++)
		grabber_card_pause(function->cards[i], why);
}

/**
 * grabber_function_resume() - undo grabber_function_pause()
 * @function: the function
 * @why: what is over: bits of enum grabber_pause
 */
void grabber_function_resume(struct grabber_function *function, u32 why)
{
	u32 i;

	for (i = 0; i < function->ncards; i++)
		grabber_card_resume(function->cards[i], why);
}

/**
 * grabber_function_broke() - a function that is paused could not be brought back
 * @function: the function
 * @how: what happened, for the log
 */
void grabber_function_broke(struct grabber_function *function, const char *how)
{
	u32 i;

	for (i = 0; i < function->ncards; i++)
		grabber_card_broke(function->cards[i], how);
}
