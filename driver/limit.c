// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory buffers may take: see limit.h.
 *
 * A buffer is a setting of its card, and stays when the program that made it ends. So
 * what one program, or one user, can take is bounded here: an eighth of the memory for
 * a card, a quarter for all. While a buffer is exchanged the old one is still there,
 * for the call must be able to fail; but that is so for one card at a time, so it is
 * never more than what a card may have on top.
 */
#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/device.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include "limit.h"

#define MIB_PAGES	(1UL << (20 - PAGE_SHIFT))

static unsigned int memory;
module_param(memory, uint, 0644);
MODULE_PARM_DESC(memory,
		 "MiB that a card's buffer may take without CAP_SYS_RESOURCE (default 0: an eighth of the memory)");

static unsigned int memory_all;
module_param(memory_all, uint, 0644);
MODULE_PARM_DESC(memory_all,
		 "MiB that the buffers of all cards may take without CAP_SYS_RESOURCE (default 0: a quarter of the memory)");

/* Pages of all buffers that there are. */
static atomic_long_t taken = ATOMIC_LONG_INIT(0);

/* One buffer grows at a time. */
static DEFINE_MUTEX(growing);

static unsigned long limit_of(unsigned int mib, unsigned int share)
{
	return mib ? mib * MIB_PAGES : totalram_pages() / share;
}

static unsigned long card_limit(void)
{
	return limit_of(READ_ONCE(memory), 8);
}

static unsigned long all_limit(void)
{
	return limit_of(READ_ONCE(memory_all), 4);
}

/**
 * grabber_limit_count() - a buffer was got, or given back
 * @pages: its pages, negative when it was given back
 */
void grabber_limit_count(long pages)
{
	atomic_long_add(pages, &taken);
}

/**
 * grabber_limit_slots() - how many slots a new card gets by itself
 * @slot_pages: pages of each
 * @slots: how many would be good
 * @least: with fewer it is of no use
 *
 * Return: as many as the limits allow, from @least to @slots.
 */
u32 grabber_limit_slots(u32 slot_pages, u32 slots, u32 least)
{
	unsigned long all = all_limit(), used = atomic_long_read(&taken);
	unsigned long room = min(card_limit(), all - min(all, used));

	return clamp_t(unsigned long, room / slot_pages, least, slots);
}

/**
 * grabber_limit_begin() - may a program have a card's buffer exchanged?
 * @dev: the card
 * @had: pages of the buffer that there is
 * @wanted: pages of the one that it wants
 *
 * After success grabber_limit_end() ends it, when one of the two buffers is freed.
 *
 * Return: 0; -EPERM: too much, after saying so; -EINTR: the program is being killed.
 */
int grabber_limit_begin(struct device *dev, unsigned long had, unsigned long wanted)
{
	unsigned long others;

	if (mutex_lock_killable(&growing))
		return -EINTR;
	others = atomic_long_read(&taken) - had;
	if (wanted <= had || (wanted <= card_limit() && wanted + others <= all_limit()) ||
	    capable(CAP_SYS_RESOURCE))
		return 0;
	mutex_unlock(&growing);
	dev_notice_ratelimited(dev,
			       "a buffer of %lu MiB was refused, beside %lu MiB of other cards: %lu MiB a card and %lu MiB in all are allowed; raise memory= and memory_all= (/sys/module/grabber/parameters), or let a program with CAP_SYS_RESOURCE set it\n",
			       wanted / MIB_PAGES, others / MIB_PAGES,
			       card_limit() / MIB_PAGES, all_limit() / MIB_PAGES);
	return -EPERM;
}

/**
 * grabber_limit_end() - a buffer was exchanged, or not
 */
void grabber_limit_end(void)
{
	mutex_unlock(&growing);
}
