/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The test chart: a picture whose frame n differs from every other frame's in
 * known places, so that a repeated, torn or mixed frame cannot pass.
 *
 * - Each line begins with a stamp of 48 pixels, white for 1 and black for 0, the
 *   highest bit first: 32 bits of frame number, 16 bits of line number.
 * - The frame number is there in digits, and a bar runs to and fro.
 *
 * All integer arithmetic: the card, the guest and the host draw the same bytes.
 */
#ifndef CARD_CHART_H
#define CARD_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHART_BYTES_PER_PIXEL	3	/* R, G, B: V4L2_PIX_FMT_RGB24 */
#define CHART_STAMP_BITS	32
#define CHART_STAMP_PIXELS	48
#define CHART_MIN_WIDTH		64
#define CHART_MIN_HEIGHT	48
#define CHART_MAX		4096

struct chart_box {
	int x, y, width, height;
};

struct chart {
	int width, height;
	size_t bytes;
	uint8_t *pixels;	/* the frame drawn last */
	uint32_t number;	/* its number */
	bool drawn;
	int digit_scale;
	struct chart_box digits;
	struct chart_box track;
	int bar_width;
};

/* False where the size is outside the limits or memory is short */
bool chart_init(struct chart *c, int width, int height);
void chart_free(struct chart *c);

/* Turns @pixels into frame @number; costs little, whichever was there before */
const uint8_t *chart_render(struct chart *c, uint32_t number);

/* The number in the stamp of a line */
uint32_t chart_stamp(const uint8_t *line);

#endif
