/* SPDX-License-Identifier: GPL-2.0-only */
/* What a card did between two looks at sysfs, a second. */
#ifndef GRABBERCTL_RATES_H
#define GRABBERCTL_RATES_H

#include <stdbool.h>

#include "sysfs.h"

/**
 * struct rates - counts a second
 * @frames: frames that came into the buffer
 * @megabytes: their bytes, by sizeimage, in 1,000,000
 * @no_slot: dropped because no slot was free
 * @error: dropped for a DMA or engine error
 * @stop: unfinished when capture was stopped
 * @card: skipped by the card itself
 * @cut: came, but cut off at their slot's end
 */
struct rates {
	double frames;
	double megabytes;
	double no_slot;
	double error;
	double stop;
	double card;
	double cut;
};

/* Returns false where nothing can be said: a counter went back, so it is another card. */
bool rates_between(const struct sysfs_card *before, const struct sysfs_card *after,
		   double seconds, struct rates *rates);

#endif
