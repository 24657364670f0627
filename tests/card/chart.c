// SPDX-License-Identifier: GPL-2.0-only
#include "chart.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_DIGITS	10	/* of 2^32 - 1 */
#define GLYPH_WIDTH	5
#define GLYPH_HEIGHT	7
#define BAR_STEP	97	/* thousandths of its way that the bar goes a frame, about a tenth */

typedef uint32_t colour;	/* 0xRRGGBB */

static const colour background = 0x141b2d, grid = 0x24304a, frame_line = 0x8fa3c8;
static const colour track_colour = 0x0b101c, bar_colour = 0xff9f1c, digit_colour = 0xf4f7ff;

/* Rows of 5 bits, the leftmost pixel highest */
static const struct { char c; uint8_t rows[GLYPH_HEIGHT]; } glyphs[] = {
	{ '0', { 0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e } },
	{ '1', { 0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e } },
	{ '2', { 0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f } },
	{ '3', { 0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e } },
	{ '4', { 0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02 } },
	{ '5', { 0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e } },
	{ '6', { 0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e } },
	{ '7', { 0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08 } },
	{ '8', { 0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e } },
	{ '9', { 0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c } },
	{ 'A', { 0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11 } },
	{ 'B', { 0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e } },
	{ 'E', { 0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f } },
	{ 'F', { 0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10 } },
	{ 'G', { 0x0e, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0f } },
	{ 'M', { 0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11 } },
	{ 'R', { 0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11 } },
	{ 'X', { 0x11, 0x11, 0x0a, 0x04, 0x0a, 0x11, 0x11 } },
};

static void put(uint8_t *p, colour c)
{
	p[0] = c >> 16;
	p[1] = c >> 8;
	p[2] = c;
}

static uint8_t *pixel(const struct chart *c, int x, int y)
{
	return c->pixels + ((size_t)y * c->width + x) * CHART_BYTES_PER_PIXEL;
}

/* Everything but the stamps stays to the right of them and inside the picture */
static void fill(struct chart *c, struct chart_box b, colour col)
{
	int left = b.x < CHART_STAMP_PIXELS ? CHART_STAMP_PIXELS : b.x;
	int right = b.x + b.width > c->width ? c->width : b.x + b.width;
	int top = b.y < 0 ? 0 : b.y;
	int bottom = b.y + b.height > c->height ? c->height : b.y + b.height;

	if (left >= right)
		return;
	for (int y = top; y < bottom; y++) {
		uint8_t *row = pixel(c, left, y);

		if (y == top)
			for (int x = 0; x < right - left; x++)
				put(row + x * CHART_BYTES_PER_PIXEL, col);
		else
			memcpy(row, pixel(c, left, top),
			       (size_t)(right - left) * CHART_BYTES_PER_PIXEL);
	}
}

static void outline(struct chart *c, struct chart_box b, int thickness, colour col)
{
	fill(c, (struct chart_box) { b.x, b.y, b.width, thickness }, col);
	fill(c, (struct chart_box) { b.x, b.y + b.height - thickness, b.width, thickness }, col);
	fill(c, (struct chart_box) { b.x, b.y, thickness, b.height }, col);
	fill(c, (struct chart_box) { b.x + b.width - thickness, b.y, thickness, b.height }, col);
}

static void text(struct chart *c, int x, int y, int scale, const char *s, colour col)
{
	for (; *s; s++, x += (GLYPH_WIDTH + 1) * scale) {
		for (size_t g = 0; g < sizeof(glyphs) / sizeof(glyphs[0]); g++) {
			if (glyphs[g].c != *s)
				continue;
			for (int row = 0; row < GLYPH_HEIGHT; row++)
				for (int col5 = 0; col5 < GLYPH_WIDTH; col5++)
					if (glyphs[g].rows[row] >> (GLYPH_WIDTH - 1 - col5) & 1)
						fill(c, (struct chart_box) { x + col5 * scale,
							y + row * scale, scale, scale }, col);
		}
	}
}

static int text_width(const char *s, int scale)
{
	return ((GLYPH_WIDTH + 1) * (int)strlen(s) - 1) * scale;
}

/* Half a wave in parabolas: 0 to 255 and back as the phase, of 256 steps, goes round */
static int wave(unsigned int phase)
{
	int p = (int)(phase & 127) - 64;
	int arc = 4096 - p * p;	/* 0 at the ends, 4096 in the middle */

	return phase & 128 ? 127 - arc * 127 / 4096 : 128 + arc * 127 / 4096;
}

/* Rings that become finer outwards: any loss of sharpness or line shows as moiré */
static void zone_plate(struct chart *c, struct chart_box b)
{
	int64_t radius = (b.width < b.height ? b.width : b.height) / 2;

	if (radius < 2)
		return;
	for (int y = 0; y < b.height; y++) {
		for (int x = 0; x < b.width; x++) {
			int64_t dx = 2 * x + 1 - b.width, dy = 2 * y + 1 - b.height;
			int64_t square = (dx * dx + dy * dy) / 4;
			int v;

			if (square > radius * radius || b.x + x < CHART_STAMP_PIXELS ||
			    b.x + x >= c->width || b.y + y >= c->height)
				continue;
			/* a quarter wave a pixel at the rim */
			v = wave((unsigned int)(square * 32 / radius) + 64);
			put(pixel(c, b.x + x, b.y + y), (colour)(v << 16 | v << 8 | v));
		}
	}
}

static void colour_bars(struct chart *c, struct chart_box b)
{
	static const colour bars[] = {
		0xebebeb, 0xebeb10, 0x10ebeb, 0x10eb10, 0xeb10eb, 0xeb1010, 0x1010eb, 0x101010,
	};
	const int count = sizeof(bars) / sizeof(bars[0]);

	for (int i = 0; i < count; i++) {
		int left = b.width * i / count, right = b.width * (i + 1) / count;

		fill(c, (struct chart_box) { b.x + left, b.y, right - left, b.height }, bars[i]);
	}
}

static void ramps(struct chart *c, struct chart_box b)
{
	const int steps = 16, half = b.height / 2;

	for (int x = 0; x < b.width; x++) {
		colour v = b.width > 1 ? x * 255 / (b.width - 1) : 0;

		fill(c, (struct chart_box) { b.x + x, b.y, 1, half }, v << 16 | v << 8 | v);
	}
	for (int i = 0; i < steps; i++) {
		int left = b.width * i / steps, right = b.width * (i + 1) / steps;
		colour v = i * 255 / (steps - 1);

		fill(c, (struct chart_box) { b.x + left, b.y + half, right - left, b.height - half },
		     v << 16 | v << 8 | v);
	}
}

/* Red, green and blue fade into each other over the panel's two axes */
static void gradient(struct chart *c, struct chart_box b)
{
	for (int y = 0; y < b.height; y++) {
		for (int x = 0; x < b.width; x++) {
			int u = b.width > 1 ? x * 255 / (b.width - 1) : 0;
			int v = b.height > 1 ? y * 255 / (b.height - 1) : 0;

			if (b.x + x >= CHART_STAMP_PIXELS && b.x + x < c->width &&
			    b.y + y < c->height)
				put(pixel(c, b.x + x, b.y + y),
				    (colour)(u << 16 | (255 - (u + v) / 2) << 8 | v));
		}
	}
}

static void draw_still(struct chart *c)
{
	const int w = c->width - CHART_STAMP_PIXELS, h = c->height, left = CHART_STAMP_PIXELS;
	const int cell = h / 18 > 4 ? h / 18 : 4, line = h / 540 + 1;
	const int margin = cell, middle_top = h * 46 / 100, middle_height = h * 38 / 100;
	const int plate = middle_height < w / 3 ? middle_height : w / 3;
	const char *title = "GRABBER";
	int title_scale, centre, panel;

	fill(c, (struct chart_box) { left, 0, w, h }, background);
	for (int y = cell; y < h; y += cell)
		fill(c, (struct chart_box) { left, y, w, line }, grid);
	for (int x = left + cell; x < c->width; x += cell)
		fill(c, (struct chart_box) { x, 0, line, h }, grid);

	colour_bars(c, (struct chart_box) { left + margin, cell, w - 2 * margin, h * 28 / 100 });
	ramps(c, (struct chart_box) { left + margin, cell + h * 28 / 100, w - 2 * margin,
				      h * 8 / 100 });
	zone_plate(c, (struct chart_box) { left + margin, middle_top, plate, middle_height });
	gradient(c, (struct chart_box) { c->width - margin - plate, middle_top, plate,
					 middle_height });

	centre = left + margin + plate;
	panel = w - 2 * margin - 2 * plate;
	title_scale = panel * 7 / 10 / text_width(title, 1);
	if (title_scale > 0)
		text(c, centre + (panel - text_width(title, title_scale)) / 2,
		     middle_top + middle_height * 15 / 100, title_scale, title, frame_line);

	c->digit_scale = panel * 8 / 10 / ((GLYPH_WIDTH + 1) * NUMBER_DIGITS);
	c->digits = (struct chart_box) { .height = GLYPH_HEIGHT * c->digit_scale };
	c->digits.width = ((GLYPH_WIDTH + 1) * NUMBER_DIGITS - 1) * c->digit_scale;
	c->digits.x = centre + (panel - c->digits.width) / 2;
	c->digits.y = middle_top + middle_height * 65 / 100;
	if (c->digit_scale) {
		const int air = c->digit_scale * 2;

		const struct chart_box box = {
			c->digits.x - air, c->digits.y - air,
			c->digits.width + 2 * air, c->digits.height + 2 * air,
		};

		fill(c, box, track_colour);
		outline(c, box, line, frame_line);
	}

	c->track = (struct chart_box) { left + margin, h * 89 / 100, w - 2 * margin, h * 6 / 100 };
	c->bar_width = c->track.width / 16 + 1;
	fill(c, c->track, track_colour);
	outline(c, (struct chart_box) { c->track.x - line, c->track.y - line,
		c->track.width + 2 * line, c->track.height + 2 * line }, line, frame_line);
	outline(c, (struct chart_box) { left, 0, w, h }, line, frame_line);
}

static void draw_stamps(struct chart *c, uint32_t number)
{
	uint8_t row[CHART_STAMP_BITS * CHART_BYTES_PER_PIXEL];

	for (int bit = 0; bit < CHART_STAMP_BITS; bit++)
		memset(row + bit * CHART_BYTES_PER_PIXEL,
		       number >> (CHART_STAMP_BITS - 1 - bit) & 1 ? 0xff : 0, CHART_BYTES_PER_PIXEL);
	for (int y = 0; y < c->height; y++)
		memcpy(pixel(c, 0, y), row, sizeof(row));
}

/* These never change: the line's number, 16 bits */
static void draw_line_numbers(struct chart *c)
{
	const int bits = CHART_STAMP_PIXELS - CHART_STAMP_BITS;

	for (int y = 0; y < c->height; y++)
		for (int bit = 0; bit < bits; bit++)
			put(pixel(c, CHART_STAMP_BITS + bit, y),
			    (unsigned int)y >> (bits - 1 - bit) & 1 ? 0xffffff : 0);
}

static void draw_digits(struct chart *c, uint32_t number)
{
	char s[NUMBER_DIGITS + 1];

	s[NUMBER_DIGITS] = '\0';
	for (int i = NUMBER_DIGITS - 1; i >= 0; i--, number /= 10)
		s[i] = '0' + number % 10;
	fill(c, c->digits, track_colour);
	text(c, c->digits.x, c->digits.y, c->digit_scale, s, digit_colour);
}

/* Where the bar is in frame n: to and fro, so that each frame differs from the next */
static struct chart_box bar(const struct chart *c, uint32_t number)
{
	const uint32_t way = c->track.width - c->bar_width;
	uint32_t at = (uint32_t)((uint64_t)number * BAR_STEP % 10000 * 2 * way / 10000);

	if (at > way)
		at = 2 * way - at;
	return (struct chart_box) { c->track.x + (int)at, c->track.y, c->bar_width,
				    c->track.height };
}

bool chart_init(struct chart *c, int width, int height)
{
	*c = (struct chart) { .width = width, .height = height };
	if (width < CHART_MIN_WIDTH || width > CHART_MAX || height < CHART_MIN_HEIGHT ||
	    height > CHART_MAX)
		return false;
	c->bytes = (size_t)width * height * CHART_BYTES_PER_PIXEL;
	c->pixels = calloc(1, c->bytes);
	if (!c->pixels)
		return false;
	draw_still(c);
	draw_line_numbers(c);
	return true;
}

void chart_free(struct chart *c)
{
	free(c->pixels);
	c->pixels = NULL;
}

const uint8_t *chart_render(struct chart *c, uint32_t number)
{
	if (c->drawn && c->number == number)
		return c->pixels;
	if (c->drawn)
		fill(c, bar(c, c->number), track_colour);
	fill(c, bar(c, number), bar_colour);
	draw_digits(c, number);
	draw_stamps(c, number);
	c->number = number;
	c->drawn = true;
	return c->pixels;
}

uint32_t chart_stamp(const uint8_t *line)
{
	uint32_t number = 0;

	for (int bit = 0; bit < CHART_STAMP_BITS; bit++)
		number = number << 1 | (line[bit * CHART_BYTES_PER_PIXEL] & 0x80 ? 1 : 0);
	return number;
}
