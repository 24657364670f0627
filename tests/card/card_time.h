/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CARD_TIME_H
#define CARD_TIME_H

#include <stdint.h>
#include <time.h>

/* ns of CLOCK_MONOTONIC */
static inline int64_t card_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

#endif
