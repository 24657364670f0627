// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waking those who wait for a card: sleepers in a call, poll, select and epoll.
 *
 * A frame comes in an interrupt, and any number of readers may wait for it. The first
 * few are woken at once; a work item wakes the others, a few at a time, with interrupts
 * on in between. So what an interrupt costs does not depend on the number of readers.
 *
 * Each is woken, also where two programs wait with EPOLLEXCLUSIVE: they have files of
 * their own, and each file gets every frame. (The kernel's wake_up() functions wake only
 * one of those.)
 */
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "card.h"

/* Readers that are woken before others get the processor: in the interrupt, some 1,300
 * instructions each; and at a time by the work item.
 */
#define WAKE_AT_ONCE	4
#define WAKE_AT_A_TIME	16

/* The mark stands in the queue as if it waited, and is never woken. */
static int pass_by(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	return 0;
}

/*
 * Wake these many, from this entry on. Where more are left the mark shows where to go on.
 *
 * Return: whether more are left.
 */
static bool wake_some(struct grabber_card *card, struct wait_queue_entry *entry,
		      unsigned int most)
{
	struct wait_queue_entry *next;

	/* Whoever is woken may take itself off the queue, and nobody else. */
	list_for_each_entry_safe_from(entry, next, &card->wait.head, entry) {
		if (!most--) {
			list_add_tail(&card->mark.entry, &entry->entry);
			return true;
		}
		entry->func(entry, TASK_NORMAL, 0, poll_to_key(card->wake_events));
	}
	return false;
}

static struct wait_queue_entry *first_entry(struct grabber_card *card)
{
	return list_first_entry(&card->wait.head, struct wait_queue_entry, entry);
}

/**
 * grabber_wake() - there is something new for readers: wake all who wait for it
 * @card: the card; its lock is held
 * @events: what poll() may say now; whoever waits for something else may sleep on
 */
void grabber_wake(struct grabber_card *card, __poll_t events)
{
	lockdep_assert_held(&card->wait.lock);
	if (card->waking || card->wake_again) {
		/* The work item has not come to all of them yet: once more, then. */
		card->wake_events |= events;
		card->wake_again = true;
		return;
	}
	card->wake_events = events;
	card->waking = wake_some(card, first_entry(card), WAKE_AT_ONCE);
	if (card->waking)
		queue_work(grabber_workqueue, &card->wake);
}

/**
 * grabber_wake_all() - all who wait shall look again, whatever they wait for
 * @card: the card
 *
 * Not by the kernel's wake_up(): before 6.7 that lets go of the lock after 64 of them, and
 * leaves an entry in the queue meanwhile which others must not call.
 */
void grabber_wake_all(struct grabber_card *card)
{
	spin_lock_irq(&card->wait.lock);
	grabber_wake(card, EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP);
	spin_unlock_irq(&card->wait.lock);
}

/* Return: whether more are left. */
static bool wake_next(struct grabber_card *card)
{
	struct wait_queue_entry *entry;

	if (card->waking) {
		entry = list_next_entry(&card->mark, entry);
		list_del_init(&card->mark.entry);
	} else if (card->wake_again) {
		card->wake_again = false;
		entry = first_entry(card);
	} else {
		return false;
	}
	card->waking = wake_some(card, entry, WAKE_AT_A_TIME);
	return card->waking || card->wake_again;
}

static void wake_rest(struct work_struct *work)
{
	struct grabber_card *card = container_of(work, struct grabber_card, wake);
	bool more;

	do {
		spin_lock_irq(&card->wait.lock);
		more = wake_next(card);
		spin_unlock_irq(&card->wait.lock);
		cond_resched();
	} while (more);
}

/**
 * grabber_wake_init() - set up what waking needs in a new card
 * @card: the card
 */
void grabber_wake_init(struct grabber_card *card)
{
	init_waitqueue_head(&card->wait);
	init_waitqueue_func_entry(&card->mark, pass_by);
	INIT_LIST_HEAD(&card->mark.entry);
	INIT_WORK(&card->wake, wake_rest);
}
