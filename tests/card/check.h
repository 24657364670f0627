/* SPDX-License-Identifier: GPL-2.0-only */
/* Is this the frame it should be? Shared by the host's and the guest's checkers. */
#ifndef CARD_CHECK_H
#define CARD_CHECK_H

#include "picture.h"

enum verdict {
	CHECK_IDENTICAL,
	CHECK_TORN,		/* its lines are of several frames */
	CHECK_DIFFERENT,
};

struct check {
	enum verdict verdict;
	bool numbered;		/* the picture says which frame it is */
	uint32_t number;	/* by the first line's stamp */
	/* the first pixel that differs */
	int x, y;
	uint8_t got[CHART_BYTES_PER_PIXEL], want[CHART_BYTES_PER_PIXEL];
};

/* Looks at @frame in place; it has the picture's size */
void check_frame(struct check *c, struct picture *p, const uint8_t *frame);
/* "x 12, y 7: got 00 10 20, want 00 10 21" */
void check_describe(const struct check *c, char *text, size_t size);

#endif
