/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much memory buffers may take: a card's, and all cards' together. A program that
 * wants more needs CAP_SYS_RESOURCE, or an administrator who allows it.
 */
#ifndef GRABBER_LIMIT_H
#define GRABBER_LIMIT_H

#include <linux/types.h>

struct device;

u32 grabber_limit_slots(u32 slot_pages, u32 slots, u32 least);
int grabber_limit_begin(struct device *dev, unsigned long had, unsigned long wanted);
void grabber_limit_end(void);
void grabber_limit_count(long pages);

#endif /* GRABBER_LIMIT_H */
