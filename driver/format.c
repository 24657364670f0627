// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a frame holds: asked for, listed and chosen. Most cards have one format, which
 * their own settings decide; of others only programs know what comes from them.
 */
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "card.h"

static unsigned int slot_size = 1 << 20;
module_param(slot_size, uint, 0444);
MODULE_PARM_DESC(slot_size,
		 "bytes of a slot for cards that do not say how large their frames are (default 1 MiB)");

/* What SET_BUFFER wants of slots full, too. */
static bool is_good_size(struct grabber_card *card, u32 size)
{
	if (!size || size > GRABBER_SLOT_SIZE_MAX)
		return false;
	return card->framing != GRABBER_FRAMING_SLOT ||
	       (size >= GRABBER_SLOT_FULL_MIN && size % GRABBER_SLOT_FULL_UNIT == 0);
}

/* A person's wish, where it can be; a slot has room for the frame that was asked for. */
static u32 wanted_size(struct grabber_card *card)
{
	const struct grabber_settings *settings = card->settings;
	u32 wish = grabber_set_or(settings, GRABBER_SET_SLOT_SIZE, 0);

	if (wish && is_good_size(card, wish))
		return wish;
	if (wish)
		grabber_settings_refused(card, GRABBER_SET_SLOT_SIZE,
					 "with framing=slot slot_size= is from 4096 to 64M, a multiple of 64");
	if (grabber_is_set(settings, GRABBER_SET_FORMAT) && card->framing != GRABBER_FRAMING_SLOT)
		return max(settings->format.sizeimage, slot_size);
	return slot_size;
}

/**
 * grabber_format_init() - only programs know what frames of this card hold
 * @card: the card
 *
 * Return: 0, or -EINVAL after saying why.
 */
int grabber_format_init(struct grabber_card *card)
{
	if (!is_good_size(card, slot_size)) {
		if (card->framing == GRABBER_FRAMING_SLOT)
			dev_err(card->dev,
				"%sslot_size=%u: with framing=slot load grabber with slot_size= from %u to %u, a multiple of %u\n",
				card->label, slot_size, GRABBER_SLOT_FULL_MIN,
				GRABBER_SLOT_SIZE_MAX, GRABBER_SLOT_FULL_UNIT);
		else
			dev_err(card->dev,
				"%sslot_size=%u: load grabber with slot_size= from 1 to %u\n",
				card->label, slot_size, GRABBER_SLOT_SIZE_MAX);
		return -EINVAL;
	}
	card->free_format = true;
	card->loss_unseen = true;
	card->format.sizeimage = wanted_size(card);
	return 0;
}

/**
 * grabber_format_default() - slots of the size that was asked for cannot be had
 * @card: the card, which is probed
 */
void grabber_format_default(struct grabber_card *card)
{
	if (card->free_format)
		card->format.sizeimage = slot_size;
}

/* Any, for only the program knows; it must fit a slot, and make sense. */
static int check_format(struct grabber_card *card, struct grabber_format *format)
{
	u64 lines = (u64)format->bytesperline * format->height;

	if (card->framing == GRABBER_FRAMING_SLOT)
		format->sizeimage = card->buffer.slot_size;
	else if (!format->sizeimage)
		format->sizeimage = min_t(u64, lines, U32_MAX);
	if (!format->sizeimage || format->sizeimage > card->buffer.slot_size ||
	    lines > format->sizeimage)
		return -EINVAL;
	return 0;
}

/**
 * grabber_format_wish() - give a card the format of its settings
 * @card: the card, which has memory, and no node yet
 */
void grabber_format_wish(struct grabber_card *card)
{
	struct grabber_format format = card->settings->format;

	if (!grabber_is_set(card->settings, GRABBER_SET_FORMAT))
		return;
	if (!card->free_format)
		grabber_settings_refused(card, GRABBER_SET_FORMAT,
					 "this card itself says what its frames hold: no format= is needed");
	else if (check_format(card, &format))
		grabber_settings_refused(card, GRABBER_SET_FORMAT,
					 "a frame of this format= does not fit a slot: have larger ones by slot_size=");
	else
		card->format = format;
}

/**
 * grabber_put_format() - GRABBER_IOC_GET_FORMAT
 * @card: the card
 * @user: the program's struct grabber_format
 *
 * Return: 0 or -EFAULT.
 */
int grabber_put_format(struct grabber_card *card, struct grabber_format __user *user)
{
	struct grabber_format format;

	spin_lock_irq(&card->wait.lock);
	format = card->format;
	spin_unlock_irq(&card->wait.lock);
	return copy_to_user(user, &format, sizeof(format)) ? -EFAULT : 0;
}

/**
 * grabber_enum_format() - GRABBER_IOC_ENUM_FORMAT
 * @card: the card
 * @user: the program's struct grabber_format_choice
 *
 * Return: 0 or an error, as the uapi header says.
 */
int grabber_enum_format(struct grabber_card *card, struct grabber_format_choice __user *user)
{
	struct grabber_format_choice args;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.flags || memchr_inv(&args.format, 0, sizeof(args.format)) || args.index)
		return -EINVAL;
	spin_lock_irq(&card->wait.lock);
	args.format = card->format;
	spin_unlock_irq(&card->wait.lock);
	if (card->free_format)
		args.flags |= GRABBER_FORMAT_FREE;
	return copy_to_user(user, &args, sizeof(args)) ? -EFAULT : 0;
}

/* With card->mutex held, so that capture stays off. */
static int change_format(struct grabber_card *card, struct grabber_format *format)
{
	if (card->gone)
		return -ENODEV;
	if (!memcmp(format, &card->format, sizeof(*format)))
		return 0;
	if (!card->free_format)
		return -EINVAL;
	if (card->users || card->paused)
		return -EBUSY;
	return check_format(card, format);
}

/**
 * grabber_set_format() - GRABBER_IOC_SET_FORMAT
 * @card: the card
 * @user: the program's struct grabber_format
 *
 * Return: 0 or an error, as the uapi header says.
 */
int grabber_set_format(struct grabber_card *card, struct grabber_format __user *user)
{
	struct grabber_format format;
	int err;

	if (copy_from_user(&format, user, sizeof(format)))
		return -EFAULT;
	if (memchr_inv(format.reserved, 0, sizeof(format.reserved)))
		return -EINVAL;
	if (mutex_lock_interruptible(&card->mutex))
		return -ERESTARTSYS;
	err = change_format(card, &format);
	if (!err) {
		spin_lock_irq(&card->wait.lock);
		card->format = format;
		spin_unlock_irq(&card->wait.lock);
	}
	mutex_unlock(&card->mutex);
	if (err)
		return err;
	return copy_to_user(user, &format, sizeof(format)) ? -EFAULT : 0;
}
