// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card's life: created for a channel of a function, registered, removed, and freed
 * by whoever lets go of it last. card.h has the picture.
 */
#include <linux/bitmap.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "card.h"
#include "status.h"

/* A name that was given to the whole function would be that of all its channels. */
static void name_card(struct grabber_card *card)
{
	const struct grabber_settings *settings = card->settings;

	if (!grabber_is_set(settings, GRABBER_SET_NAME))
		return;
	if (card->function->channels > 1 &&
	    settings->near[GRABBER_SET_NAME] < GRABBER_NEAR_SLOT_CHANNEL)
		snprintf(card->name, sizeof(card->name), "%.*s-chan%u", GRABBER_NAME_MAX,
			 settings->name, card->channel);
	else
		strscpy(card->name, settings->name, sizeof(card->name));
}

/**
 * grabber_card_create() - make the object for a channel
 * @function: the function that it is a channel of
 * @channel: its number
 *
 * Return: the card, with one reference for the caller; NULL without memory.
 */
struct grabber_card *grabber_card_create(struct grabber_function *function, u32 channel)
{
	struct grabber_card *card = kzalloc(sizeof(*card), GFP_KERNEL);

	if (!card)
		return NULL;
	kref_init(&card->ref);
	kref_get(&function->ref);
	card->function = function;
	card->channel = channel;
	card->dev = get_device(function->dev);
	card->board = function->board;
	card->settings = &function->settings->channel[channel];
	card->framing = grabber_set_or(card->settings, GRABBER_SET_FRAMING, function->framing);
	card->contiguous = card->board->contiguous;
	card->queue_max = card->board->queue_max;
	card->number = -1;
	card->bar = -1;
	strscpy(card->bus_name, dev_name(card->dev), sizeof(card->bus_name));
	if (function->channels > 1)
		snprintf(card->label, sizeof(card->label), "channel %u: ", channel);
	name_card(card);
	grabber_wake_init(card);
	mutex_init(&card->mutex);
	init_rwsem(&card->window_lock);
	init_waitqueue_head(&card->window_wait);
	mutex_init(&card->files_lock);
	INIT_LIST_HEAD(&card->files);
	grabber_stream_init(card);
	return card;
}

static void card_free(struct kref *ref)
{
	struct grabber_card *card = container_of(ref, struct grabber_card, ref);

	/* Nobody waits any more; that may not have come round to it. */
	cancel_work_sync(&card->wake);
	grabber_memory_free(card);
	put_device(card->dev);
	grabber_function_put(card->function);
	kfree(card);
}

/**
 * grabber_card_get() - take a reference
 * @card: the card
 */
void grabber_card_get(struct grabber_card *card)
{
	kref_get(&card->ref);
}

/**
 * grabber_card_put() - drop a reference; the last one frees the frame memory
 * @card: the card
 */
void grabber_card_put(struct grabber_card *card)
{
	kref_put(&card->ref, card_free);
}

/**
 * grabber_card_register() - bring the card to user space
 * @card: the card; format, BARs and which of them is shown are filled in
 * @nslots: slots that its buffer shall have, where its settings do not say; 0: as many as
 *	are good
 *
 * Return: 0, or an error after saying why; then nothing was registered, and
 * grabber_function_remove() is the caller's next step.
 */
int grabber_card_register(struct grabber_card *card, u32 nslots)
{
	int err = grabber_memory_init(card, nslots);

	if (err)
		return err;
	grabber_format_wish(card);
	grabber_window_open(card);
	err = grabber_minors_add(card);
	if (err) {
		dev_err(card->dev, "cannot make the device nodes (%d)\n", err);
		return err;
	}
	dev_info(card->dev, "grabber%d: %s, %ux%u, %u slots of %u bytes\n",
		 card->number, card->board->name, card->format.width,
		 card->format.height, card->buffer.nslots, card->buffer.slot_size);
	return 0;
}

/**
 * grabber_card_gone() - the hardware cannot be used any more
 * @card: the card
 *
 * Wakes all sleepers, ends capture and revokes the BAR mappings. Frames stay
 * readable. May be called more than once; may sleep. This is how removal begins,
 * and all there is for a card that stopped answering but is still plugged in.
 */
void grabber_card_gone(struct grabber_card *card)
{
	spin_lock_irq(&card->wait.lock);
	card->gone = true;
	/* A card that could not be registered has no status page. */
	if (card->buffer.status)
		grabber_status_flag(card->buffer.status, GRABBER_STATUS_GONE, true);
	spin_unlock_irq(&card->wait.lock);
	grabber_wake_all(card);

	mutex_lock(&card->mutex);
	grabber_stream_end(card);
	mutex_unlock(&card->mutex);
	grabber_window_close(card, false);
	grabber_window_wake(card);
}

/**
 * grabber_card_retire() - the second step of removal: no node, no work
 * @card: the card, which is gone
 *
 * The first was grabber_card_gone(), the third is grabber_card_settle(): each is for
 * all cards of the function before the next one comes. Who may still be using the card
 * after the third, and why that is safe:
 *
 * - A reader in read, poll or an ioctl: was woken, and finds @gone before it
 *   touches hardware; it has a reference through its open file.
 * - Somebody in the middle of pread or pwrite on the -bar node: no longer there,
 *   grabber_window_close() waited for window_lock. Those who come now find it closed.
 * - A mapping of the -bar node: its pages are taken away, and a fault fails.
 * - A mapping of frames: stays; pages belong to the card object and the mapping
 *   keeps a reference through its file.
 * - An open() that raced with us: finds @gone, or is counted in @files like others.
 * - The interrupt handler: may still run until the bus glue frees the interrupt,
 *   but finds @running false and tells only whether the card raised it.
 * - Watchdog, recovery, and what goes on after the interrupt: cancelled here, and
 *   nobody starts them again, for that needs capture on.
 * - The card itself: stopped, or cut off from memory and reset (dma.c), and its DMA
 *   mappings are gone.
 */
void grabber_card_retire(struct grabber_card *card)
{
	if (card->number >= 0)
		grabber_minors_del(card);
	grabber_stream_cancel(card);
}

/**
 * grabber_card_settle() - the last step of removal: the card loses its memory
 * @card: the card; no card of its function captures
 */
void grabber_card_settle(struct grabber_card *card)
{
	int err;

	mutex_lock(&card->mutex);
	err = grabber_dma_settle(card, true);
	mutex_unlock(&card->mutex);
	if (err)
		dev_err(card->dev,
			"%sthe card may still be writing, and cannot be reset (%d): power it off before another driver is bound to it\n",
			card->label, err);
	grabber_buffer_unmap(&card->buffer, card->dev);
}

/**
 * grabber_info_fill() - what GRABBER_IOC_INFO tells
 * @card: the card
 * @bar: the BAR to tell of
 * @info: to be filled
 */
void grabber_info_fill(struct grabber_card *card, u32 bar, struct grabber_info *info)
{
	const struct grabber_window *window = &card->function->bars.windows[bar];

	memset(info, 0, sizeof(*info));
	info->abi_version = GRABBER_ABI_VERSION;
	info->card = card->number;
	strscpy(info->driver, GRABBER_VERSION, sizeof(info->driver));
	strscpy(info->board, card->board->name, sizeof(info->board));
	strscpy(info->bus, card->bus_name, sizeof(info->bus));
	info->serial = card->serial;
	info->bar_size = window->size;
	info->bar_mmap_size = window->mmap_size;
	info->bar_index = bar;
	info->channel = card->channel;
	info->channels = card->function->ncards;
	info->framing = card->framing;
	info->slot_size_max = card->slot_size_max;
	info->irq_lines = card->board->lines;
	if (READ_ONCE(card->running))
		info->flags |= GRABBER_INFO_STREAMING;
	if (window->flags & GRABBER_BAR_PREFETCHABLE)
		info->flags |= GRABBER_INFO_BAR_PREFETCHABLE;
	if (card->loss_unseen)
		info->flags |= GRABBER_INFO_LOSS_UNSEEN;
}
