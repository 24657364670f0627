/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BAR 2, if wanted: 64-bit, prefetchable, plain memory, such as a card's own behind the
 * core's bypass port. Of the host's memory it takes what is written to.
 */
#ifndef CARD_MEMORY_BAR_H
#define CARD_MEMORY_BAR_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_BAR_MAX	(1ull << 40)

struct memory_bar {
	uint64_t size;		/* 0: the card has none */
	uint8_t *bytes;
};

/* "1G", "64K": a power of two; false after saying what is wrong with it */
bool memory_bar_init(struct memory_bar *m, const char *size);

#endif
