/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt lines of a card's user logic: what they tell of is no frame, but a
 * program's business (lines.c).
 */
#ifndef GRABBER_LINES_H
#define GRABBER_LINES_H

#include <linux/interrupt.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <uapi/linux/grabber.h>

struct grabber_function;

/**
 * struct grabber_lines - the lines of a function
 * @lock: the next four; interrupts off
 * @unmasked: a bit for each line that may interrupt
 * @used: some line was let through once
 * @away: the registers may not be touched
 * @count: how often each line interrupted
 * @wait: who polls a register node
 */
struct grabber_lines {
	spinlock_t lock; /* unmasked, used, away, count */
	u32 unmasked;
	bool used;
	bool away;
	u64 count[GRABBER_IRQ_LINES];
	wait_queue_head_t wait;
};

void grabber_lines_init(struct grabber_lines *lines);
void grabber_lines_came(struct grabber_function *function, u32 lines);
bool grabber_lines_share(const struct grabber_function *function, u32 channel);
void grabber_lines_anew(struct grabber_function *function);
void grabber_lines_away(struct grabber_function *function, bool away);
void grabber_lines_end(struct grabber_function *function);
irqreturn_t grabber_lines_interrupt(int irq, void *data);

#endif /* GRABBER_LINES_H */
