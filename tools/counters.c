// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "counters.h"

#define COUNTER(name, meaning)	{ #name, offsetof(struct grabber_stats, name), meaning }

const struct counter counters[COUNTERS] = {
	COUNTER(begun, "frames that the card began"),
	COUNTER(delivered, "whole frames that came into the buffer"),
	COUNTER(truncated, "came into the buffer, cut off at their slot's end"),
	COUNTER(dropped_no_slot, "no slot was free when the card needed one"),
	COUNTER(dropped_error, "DMA or engine error"),
	COUNTER(dropped_stop, "unfinished when capture was stopped"),
	COUNTER(lost_by_card, "skipped by the card: its frame number jumped"),
};

uint64_t counter_get(const struct grabber_stats *stats, const struct counter *counter)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + counter->offset, sizeof(value));
	return value;
}

void counter_set(struct grabber_stats *stats, const struct counter *counter, uint64_t value)
{
	memcpy((char *)stats + counter->offset, &value, sizeof(value));
}

uint64_t counters_sum(const struct grabber_stats *stats)
{
	uint64_t sum = 0;

	for (size_t i = 1; i < COUNTERS; i++)
		sum += counter_get(stats, &counters[i]);
	return sum;
}
