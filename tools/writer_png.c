// SPDX-License-Identifier: GPL-2.0-only
/*
 * PNG, made for speed: the lines go to libpng straight from the frame, and the
 * settings are those that measured fastest where they still compress. The test
 * chart and a noisy picture, both 1920x1080 in colour, took with zlib 1.2.13:
 *
 *				chart			noise
 *	level 0, no filter	 4 ms, 6.22 MB		 3 ms, 6.22 MB
 *	level 1, no filter	18 ms, 0.50 MB		77 ms, 3.92 MB
 *	level 1, sub		17 ms, 0.32 MB		57 ms, 2.71 MB
 *	level 1, up		18 ms, 0.25 MB		56 ms, 2.74 MB
 *	level 1, up, Z_RLE	18 ms, 0.58 MB		43 ms, 2.20 MB
 *	level 1, paeth		25 ms, 0.25 MB		82 ms, 2.74 MB
 *
 * (about twenty times that in an emulated machine). Nearly all of it is deflate;
 * the CRC and Adler sums together take 3 ms.
 */
#include <inttypes.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "writer.h"

#define CHUNK	(256 * 1024)	/* bytes of an IDAT chunk, and so of a write */

static void on_error(png_structp png, png_const_charp message)
{
	/* output_write() has said its own sentence already. */
	if (message)
		say("cannot make a PNG: %s", message);
	longjmp(*(jmp_buf *)png_get_error_ptr(png), 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
	(void)png;
	say("while making a PNG: %s", message);
}

static void on_write(png_structp png, png_bytep data, png_size_t bytes)
{
	if (output_write(png_get_io_ptr(png), data, bytes))
		png_error(png, NULL);
}

static void on_flush(png_structp png)
{
	(void)png;
}

static void set_text(png_structp png, png_infop info, const struct frame *frame)
{
	char sequence[24], timestamp[24];
	png_text text[2] = {
		{ .compression = PNG_TEXT_COMPRESSION_NONE, .key = "grabber:sequence",
		  .text = sequence },
		{ .compression = PNG_TEXT_COMPRESSION_NONE, .key = "grabber:timestamp_ns",
		  .text = timestamp },
	};

	if (!frame->stamped)
		return;
	snprintf(sequence, sizeof(sequence), "%" PRIu64, frame->sequence);
	snprintf(timestamp, sizeof(timestamp), "%" PRIu64, frame->timestamp_ns);
	png_set_text(png, info, text, 2);
}

static void encode(png_structp png, png_infop info, const struct picture *picture,
		   const struct frame *frame, int compression, uint8_t *spare)
{
	png_set_compression_level(png, compression);
	png_set_compression_buffer_size(png, CHUNK);
	png_set_filter(png, PNG_FILTER_TYPE_BASE, compression ? PNG_FILTER_UP : PNG_FILTER_NONE);
	png_set_IHDR(png, info, picture->width, picture->height, picture->depth,
		     picture->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	set_text(png, info, frame);
	png_write_info(png, info);
	if (picture->bgr)
		png_set_bgr(png);
	if (picture->little_endian)
		png_set_swap(png);
	for (uint32_t y = 0; y < picture->height; y++)
		png_write_row(png, picture_row(picture, y, spare));
	png_write_end(png, NULL);
}

int write_png(struct output *output, const struct picture *picture,
	      const struct frame *frame, int compression)
{
	uint8_t *spare = malloc(picture->row_bytes);
	png_infop info = NULL;
	png_structp png;
	jmp_buf failed;

	png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failed, on_error, on_warning);
	if (png)
		info = png_create_info_struct(png);
	if (!info || !spare) {
		say("out of memory");
		goto out;
	}

	png_set_write_fn(png, output, on_write, on_flush);
	if (!setjmp(failed)) {
		encode(png, info, picture, frame, compression, spare);
		/* Nothing set after setjmp() is looked at after longjmp(). */
		png_destroy_write_struct(&png, &info);
		free(spare);
		return 0;
	}
out:
	png_destroy_write_struct(png ? &png : NULL, info ? &info : NULL);
	free(spare);
	return -1;
}
