// SPDX-License-Identifier: GPL-2.0-only
#include "picture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool picture_parse_size(const char *text, int *width, int *height)
{
	int used = 0;

	return text && sscanf(text, "%dx%d%n", width, height, &used) == 2 && !text[used] &&
	       *width > 0 && *width <= CHART_MAX && *height > 0 && *height <= CHART_MAX;
}

static bool bad_size(const char *text)
{
	fprintf(stderr, "\"%s\" is no size; write it as 1920x1080, up to %dx%d\n",
		text ? text : "", CHART_MAX, CHART_MAX);
	return false;
}

bool picture_from_chart(struct picture *p, const char *size)
{
	*p = (struct picture) { .kind = PICTURE_CHART };
	if (!picture_parse_size(size, &p->width, &p->height))
		return bad_size(size);
	if (!chart_init(&p->chart, p->width, p->height)) {
		fprintf(stderr, "no chart of %s: it needs %dx%d at least, %dx%d at most\n", size,
			CHART_MIN_WIDTH, CHART_MIN_HEIGHT, CHART_MAX, CHART_MAX);
		return false;
	}
	p->bytes = p->chart.bytes;
	return true;
}

bool picture_from_raw(struct picture *p, const char *path, const char *size)
{
	FILE *f;
	bool good;

	*p = (struct picture) { .kind = PICTURE_STILL };
	if (!picture_parse_size(size, &p->width, &p->height))
		return bad_size(size);
	p->bytes = (size_t)p->width * p->height * CHART_BYTES_PER_PIXEL;
	f = fopen(path, "rb");
	if (!f) {
		fprintf(stderr, "cannot open %s: %s\n", path, strerror(errno));
		return false;
	}
	p->pixels = malloc(p->bytes);
	good = p->pixels && fread(p->pixels, 1, p->bytes, f) == p->bytes && fgetc(f) == EOF;
	fclose(f);
	if (!good) {
		fprintf(stderr, "%s is not a frame of %s in R, G, B bytes: that has %zu bytes\n",
			path, size, p->bytes);
		picture_free(p);
	}
	return good;
}

void picture_free(struct picture *p)
{
	free(p->pixels);
	p->pixels = NULL;
	if (p->kind == PICTURE_CHART)
		chart_free(&p->chart);
}

const uint8_t *picture_frame(struct picture *p, uint64_t number)
{
	return p->kind == PICTURE_CHART ? chart_render(&p->chart, number) : p->pixels;
}
