// SPDX-License-Identifier: GPL-2.0-only
#include "frame_file.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SEQUENCE_KEY	"grabber:sequence"
#define SIDE_MAX	65536

void frame_file_free(struct frame_file *f)
{
	free(f->pixels);
	f->pixels = NULL;
}

static void find_sequence(struct frame_file *f, png_structp png, png_infop info)
{
	png_textp text;
	int count = 0;

	png_get_text(png, info, &text, &count);
	for (int i = 0; i < count; i++) {
		if (!strcmp(text[i].key, SEQUENCE_KEY)) {
			f->sequence = strtoull(text[i].text, NULL, 10);
			f->has_sequence = true;
		}
	}
}

/* libpng leaves by longjmp on errors; what the caller has to free is in @f and @rows */
static bool read_png(struct frame_file *f, FILE *in, png_structp png, png_infop info,
		     png_bytep **rows)
{
	size_t line;

	if (setjmp(png_jmpbuf(png)))
		return false;
	png_init_io(png, in);
	png_read_info(png, info);
	/* nothing may be converted: a picture of another kind is not what the card sent */
	if (png_get_bit_depth(png, info) != 8 || png_get_color_type(png, info) != PNG_COLOR_TYPE_RGB)
		return false;
	f->width = png_get_image_width(png, info);
	f->height = png_get_image_height(png, info);
	line = (size_t)f->width * 3;
	f->bytes = line * f->height;
	f->pixels = malloc(f->bytes);
	*rows = malloc(f->height * sizeof(**rows));
	if (!f->pixels || !*rows)
		return false;
	for (int y = 0; y < f->height; y++)
		(*rows)[y] = f->pixels + y * line;
	png_set_interlace_handling(png);
	png_read_image(png, *rows);
	png_read_end(png, info);
	find_sequence(f, png, info);
	return true;
}

static bool from_png(struct frame_file *f, FILE *in)
{
	png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	png_bytep *rows = NULL;
	bool good = info && read_png(f, in, png, info, &rows);

	free(rows);
	png_destroy_read_struct(&png, &info, NULL);
	return good;
}

/* Whitespace and comments stand between the numbers of a PPM's head */
static bool ppm_number(FILE *in, int *value)
{
	int c;

	for (;;) {
		c = fgetc(in);
		if (c == '#')
			while (c != '\n' && c != EOF)
				c = fgetc(in);
		else if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			break;
	}
	ungetc(c, in);
	return fscanf(in, "%d", value) == 1 && *value > 0 && *value < SIDE_MAX;
}

static bool from_ppm(struct frame_file *f, FILE *in)
{
	int max;

	if (fseek(in, 2, SEEK_SET) || !ppm_number(in, &f->width) || !ppm_number(in, &f->height) ||
	    !ppm_number(in, &max) || max != 255)
		return false;
	fgetc(in);
	f->bytes = (size_t)f->width * f->height * 3;
	f->pixels = malloc(f->bytes);
	return f->pixels && fread(f->pixels, 1, f->bytes, in) == f->bytes && fgetc(in) == EOF;
}

static bool from_bytes(struct frame_file *f, FILE *in)
{
	struct stat st;

	if (fstat(fileno(in), &st) < 0 || st.st_size <= 0)
		return false;
	f->bytes = st.st_size;
	f->pixels = malloc(f->bytes);
	return f->pixels && fread(f->pixels, 1, f->bytes, in) == f->bytes;
}

bool frame_file_read(struct frame_file *f, const char *path, char *error, size_t error_size)
{
	FILE *in = fopen(path, "rb");
	unsigned char head[8] = { 0 };
	const char *kind;
	size_t got;
	bool good;

	*f = (struct frame_file) { 0 };
	if (!in) {
		snprintf(error, error_size, "cannot open %s: %s", path, strerror(errno));
		return false;
	}
	got = fread(head, 1, sizeof(head), in);
	rewind(in);
	if (got == sizeof(head) && !png_sig_cmp(head, 0, sizeof(head))) {
		kind = "PNG of 8-bit RGB";
		good = from_png(f, in);
	} else if (head[0] == 'P' && head[1] == '6') {
		kind = "PPM of 8-bit RGB";
		good = from_ppm(f, in);
	} else {
		kind = "frame";
		good = from_bytes(f, in);
	}
	fclose(in);
	if (!good) {
		snprintf(error, error_size, "%s is no whole %s", path, kind);
		frame_file_free(f);
	}
	return good;
}
