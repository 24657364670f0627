// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's interrupt: what finished goes to the ring. Where there is more than
 * interrupts may take of a processor, a thread goes on.
 *
 * A frame is done in the interrupt that tells of it, as long as the card does not
 * finish more than one look may take, and all looks together stay below their share
 * of the time. Beyond it the board masks the card's interrupt, and work on a queue of
 * its own looks again and again, each look as short as in the interrupt and with
 * interrupts on in between, until there is nothing more to see. It is scheduled as
 * any program is, so however fast the card is, others get their part of the processor.
 */
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "card.h"

/* Within so many milliseconds, interrupts of one card may take this much. */
#define WINDOW_MS	10
#define SHARE_NS	(WINDOW_MS * NSEC_PER_MSEC / 4)

struct workqueue_struct *grabber_workqueue;

/* Keep the interrupt back, and have the thread go on. */
static void put_off(struct grabber_card *card)
{
	lockdep_assert_held(&card->wait.lock);
	if (!card->put_off)
		card->board->mask(card, true);
	card->put_off = true;
	queue_work(grabber_workqueue, &card->rest);
}

static void rest(struct work_struct *work)
{
	struct grabber_card *card = container_of(work, struct grabber_card, rest);
	enum grabber_look seen = GRABBER_LOOK_NONE;

	spin_lock_irq(&card->wait.lock);
	if (card->running && card->put_off) {
		seen = card->board->poll(card);
		if (seen != GRABBER_LOOK_MORE) {
			card->put_off = false;
			card->board->mask(card, false);
			/* What finished in between may have raised no interrupt. */
			seen = card->board->poll(card);
		}
	}
	if (seen == GRABBER_LOOK_MORE)
		put_off(card);
	spin_unlock_irq(&card->wait.lock);
}

/**
 * grabber_card_look() - see what finished, without an interrupt
 * @card: the card; its lock is held
 */
void grabber_card_look(struct grabber_card *card)
{
	if (card->board->poll && card->board->poll(card) == GRABBER_LOOK_MORE)
		put_off(card);
}

/* Have interrupts taken more than their share lately? */
static bool too_long(struct grabber_card *card, ktime_t begin)
{
	unsigned long tick = jiffies;

	if (time_after_eq(tick, card->window_end)) {
		card->window_end = tick + msecs_to_jiffies(WINDOW_MS);
		card->spent = 0;
	}
	card->spent += ktime_get() - begin;
	return card->spent > SHARE_NS;
}

static irqreturn_t look(struct grabber_card *card, ktime_t begin, ktime_t when)
{
	enum grabber_look seen = GRABBER_LOOK_NONE;

	/* The user logic may have raised it. */
	if (grabber_lines_share(card->function, card->channel))
		when = 0;

	/* Interrupts are off here; or this is a thread, and then no interrupt takes the lock. */
	spin_lock(&card->wait.lock);
	if (!card->away)
		seen = card->board->interrupt(card, when);
	if (seen != GRABBER_LOOK_NONE) {
		card->interrupts++;
		if (card->board->mask && (too_long(card, begin) || seen == GRABBER_LOOK_MORE))
			put_off(card);
	}
	spin_unlock(&card->wait.lock);
	return IRQ_RETVAL(seen != GRABBER_LOOK_NONE);
}

/**
 * grabber_card_interrupt() - the handler that the bus glue gives the card's interrupt
 * @irq: its number
 * @data: the card
 *
 * Return: whether the card had raised it.
 */
irqreturn_t grabber_card_interrupt(int irq, void *data)
{
	ktime_t now = ktime_get();

	return look(data, now, now);
}

/**
 * grabber_card_line() - the same, for an interrupt line
 * @irq: its number
 * @data: the card
 *
 * Another device on the line may have raised it, so its time says nothing of a frame.
 *
 * Return: whether the card had raised it.
 */
irqreturn_t grabber_card_line(int irq, void *data)
{
	return look(data, ktime_get(), 0);
}

/**
 * grabber_function_interrupt() - the same, where all cards of a function share it
 * @irq: its number
 * @data: the function
 *
 * Each may have raised it, so its time says nothing of a frame.
 *
 * Return: whether any of them had raised it.
 */
irqreturn_t grabber_function_interrupt(int irq, void *data)
{
	struct grabber_function *function = data;
	irqreturn_t any = IRQ_NONE;
	u32 i;

	for (i = 0; i < function->ncards; i++)
		any |= look(function->cards[i], ktime_get(), 0);
	return any;
}

/**
 * grabber_card_stamp() - the half of the handler that must not wait: take the time
 * @irq: its number
 * @data: the card
 *
 * For kernels on which handlers are threads, which run when the scheduler lets them.
 * Should the card raise its interrupt anew before that, the later time counts, for
 * no frame may be older than its data.
 *
 * Return: IRQ_WAKE_THREAD, for grabber_card_stamped().
 */
irqreturn_t grabber_card_stamp(int irq, void *data)
{
	struct grabber_card *card = data;

	atomic64_set(&card->stamp, ktime_get());
	return IRQ_WAKE_THREAD;
}

/**
 * grabber_card_stamped() - the other half, in a thread
 * @irq: its number
 * @data: the card
 *
 * Return: whether the card had raised it.
 */
irqreturn_t grabber_card_stamped(int irq, void *data)
{
	struct grabber_card *card = data;

	return look(card, ktime_get(), atomic64_read(&card->stamp));
}

/**
 * grabber_interrupt_prepare() - set up what the interrupt needs in a new card
 * @card: the card
 */
void grabber_interrupt_prepare(struct grabber_card *card)
{
	INIT_WORK(&card->rest, rest);
}

/**
 * grabber_interrupts_init() - have the queue for the threads that go on
 *
 * Return: 0 or -ENOMEM.
 */
int grabber_interrupts_init(void)
{
	grabber_workqueue = alloc_workqueue("grabber", WQ_UNBOUND, 0);
	return grabber_workqueue ? 0 : -ENOMEM;
}

/**
 * grabber_interrupts_exit() - give it up; no card is left
 */
void grabber_interrupts_exit(void)
{
	destroy_workqueue(grabber_workqueue);
}
