/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters of a card's frames, by the interface's names, and what they mean. */
#ifndef GRABBERCTL_COUNTERS_H
#define GRABBERCTL_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include <linux/grabber.h>

/**
 * struct counter - one __u64 of struct grabber_stats
 * @name: its name there and in sysfs
 * @offset: where it is there
 * @meaning: for people
 */
struct counter {
	const char *name;
	size_t offset;
	const char *meaning;
};

/* The first is "begun", the sum of all others. */
#define COUNTERS	7
extern const struct counter counters[COUNTERS];

uint64_t counter_get(const struct grabber_stats *stats, const struct counter *counter);
void counter_set(struct grabber_stats *stats, const struct counter *counter, uint64_t value);

/* What "begun" should be. */
uint64_t counters_sum(const struct grabber_stats *stats);

#endif
