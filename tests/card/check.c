// SPDX-License-Identifier: GPL-2.0-only
#include "check.h"

#include <stdio.h>
#include <string.h>

static bool several_frames(const struct picture *p, const uint8_t *frame, uint32_t number)
{
	size_t line = (size_t)p->width * CHART_BYTES_PER_PIXEL;

	for (int y = 0; y < p->height; y++)
		if (chart_stamp(frame + y * line) != number)
			return true;
	return false;
}

void check_frame(struct check *c, struct picture *p, const uint8_t *frame)
{
	const uint8_t *want;
	size_t at = 0;

	*c = (struct check) { .numbered = p->kind == PICTURE_CHART };
	if (c->numbered)
		c->number = chart_stamp(frame);
	want = picture_frame(p, c->number);
	if (!memcmp(frame, want, p->bytes))
		return;
	while (frame[at] == want[at])
		at++;
	at /= CHART_BYTES_PER_PIXEL;
	c->x = at % p->width;
	c->y = at / p->width;
	memcpy(c->got, frame + at * CHART_BYTES_PER_PIXEL, sizeof(c->got));
	memcpy(c->want, want + at * CHART_BYTES_PER_PIXEL, sizeof(c->want));
	c->verdict = c->numbered && several_frames(p, frame, c->number) ?
		     CHECK_TORN : CHECK_DIFFERENT;
}

void check_describe(const struct check *c, char *text, size_t size)
{
	snprintf(text, size, "%sx %d, y %d: got %02x %02x %02x, want %02x %02x %02x",
		 c->verdict == CHECK_TORN ? "lines of several frames, first at " : "", c->x, c->y,
		 c->got[0], c->got[1], c->got[2], c->want[0], c->want[1], c->want[2]);
}
