/* SPDX-License-Identifier: GPL-2.0-only */
/* Where frames come from: a file that is shown again and again, or the chart. */
#ifndef CARD_PICTURE_H
#define CARD_PICTURE_H

#include "chart.h"

enum picture_kind { PICTURE_CHART, PICTURE_STILL };

struct picture {
	enum picture_kind kind;
	int width, height;
	size_t bytes;
	uint8_t *pixels;	/* of a still picture */
	struct chart chart;
};

/* Each prints what is wrong and returns false where it cannot */
bool picture_from_chart(struct picture *p, const char *size);
bool picture_from_raw(struct picture *p, const char *path, const char *size);
bool picture_from_png(struct picture *p, const char *path);	/* picture_png.c */
void picture_free(struct picture *p);

/* The bytes of frame n; good until the next call */
const uint8_t *picture_frame(struct picture *p, uint64_t number);

/* "1920x1080" */
bool picture_parse_size(const char *text, int *width, int *height);

#endif
