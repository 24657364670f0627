// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a frame holds: asked for, listed and chosen. Most cards have one format, which
 * their own settings decide; a board that can do more says so by its set_format().
 */
#include <linux/string.h>
#include <linux/uaccess.h>

#include "card.h"

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
	if (card->board->set_format)
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
	if (!card->board->set_format)
		return -EINVAL;
	if (card->users || card->paused)
		return -EBUSY;
	return card->board->set_format(card, format);
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
