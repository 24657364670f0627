/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that use the card across something that stops it for a while. */
#ifndef GUEST_GOES_ON_H
#define GUEST_GOES_ON_H

#include <stdbool.h>
#include <stdint.h>

/* What they have done so far; in memory that they share. */
struct goes_on {
	volatile uint64_t taken, read, mapped, called;
	volatile uint64_t flagged;	/* of the taken, those with the discontinuity flag */
	volatile int64_t last_flagged;	/* time of the last of these */
	volatile bool stop;
};

extern struct goes_on *goes_on;

/*
 * Start them: one that reads and one that takes frames, and where @registers are wanted
 * one each that reads a register of the video source by a mapping and by pread(). None
 * of them sees an error, whatever happens to the card.
 */
void goes_on_begin(bool registers);
/* Something was done five times more than at @from, within half a minute. */
void goes_on_expect(const char *what, const volatile uint64_t *count, uint64_t from);
/* End them: none has failed. */
void goes_on_end(void);

#endif /* GUEST_GOES_ON_H */
