// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which BARs a card has, and which of them an open register node shows.
 *
 * The choice is the file's: others do not see it. A mapping keeps the BAR that was
 * chosen when it was made, so one file may map several.
 */
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "card.h"

static void tell(struct grabber_file *file, u32 bar, struct grabber_bar *args)
{
	const struct grabber_window *window = &file->card->function->bars.windows[bar];
	u32 choice = READ_ONCE(file->choice);

	*args = (struct grabber_bar) {
		.bar = bar,
		.flags = window->flags,
		.size = window->size,
		.mmap_size = window->private ? 0 : window->mmap_size,
	};
	if (!window->private)
		args->flags |= GRABBER_BAR_REACHABLE;
	if (bar == file->card->bar)
		args->flags |= GRABBER_BAR_DEFAULT;
	if (bar != grabber_choice_bar(choice))
		return;
	args->flags |= GRABBER_BAR_CHOSEN;
	if (choice & GRABBER_CHOICE_COMBINE)
		args->flags |= GRABBER_BAR_WRITE_COMBINING;
}

static int put(const struct grabber_bar *args, struct grabber_bar __user *user)
{
	return copy_to_user(user, args, sizeof(*args)) ? -EFAULT : 0;
}

static bool is_zero(const struct grabber_bar *args)
{
	return !args->size && !args->mmap_size && !memchr_inv(args->reserved, 0,
							      sizeof(args->reserved));
}

/**
 * grabber_enum_bar() - GRABBER_IOC_ENUM_BAR, on either node
 * @file: the open file
 * @user: the program's struct grabber_bar
 *
 * Return: 0; -EINVAL: no BAR has this number or a higher one; -EFAULT.
 */
int grabber_enum_bar(struct grabber_file *file, struct grabber_bar __user *user)
{
	struct grabber_bar args;
	u32 bar;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.flags || !is_zero(&args))
		return -EINVAL;
	for (bar = args.bar; bar < GRABBER_BARS; bar++) {
		bar = array_index_nospec(bar, GRABBER_BARS);
		if (!file->card->function->bars.windows[bar].size)
			continue;
		tell(file, bar, &args);
		return put(&args, user);
	}
	return -EINVAL;
}

/**
 * grabber_set_bar() - GRABBER_IOC_SET_BAR
 * @file: the open file, of the register node
 * @user: the program's struct grabber_bar
 *
 * Return: 0; -EINVAL: no such BAR, or no write-combining there; -EACCES: it is the
 * driver's; -EBUSY: the driver has registers of its own there, which are uncached;
 * -EFAULT.
 */
int grabber_set_bar(struct grabber_file *file, struct grabber_bar __user *user)
{
	const struct grabber_window *window;
	struct grabber_bar args;
	bool combine;
	u32 bar;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.flags & ~GRABBER_BAR_WRITE_COMBINING || !is_zero(&args) ||
	    args.bar >= GRABBER_BARS)
		return -EINVAL;
	bar = array_index_nospec(args.bar, GRABBER_BARS);
	combine = args.flags & GRABBER_BAR_WRITE_COMBINING;
	window = &file->card->function->bars.windows[bar];
	if (!window->size)
		return -EINVAL;
	if (window->private)
		return -EACCES;
	if (combine && !(window->flags & GRABBER_BAR_PREFETCHABLE))
		return -EINVAL;
	if (combine && window->driver)
		return -EBUSY;
	WRITE_ONCE(file->choice, bar | (combine ? GRABBER_CHOICE_COMBINE : 0));
	tell(file, bar, &args);
	return put(&args, user);
}
