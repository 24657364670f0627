// SPDX-License-Identifier: GPL-2.0-only
/* PGM (P5) and PPM (P6): a line of text, then the pixels, 16-bit ones big-endian. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "writer.h"

#define CHUNK	(256 * 1024)	/* lines are put together to about this */

static void convert(const struct picture *picture, uint8_t *to, const uint8_t *from)
{
	size_t i;

	if (picture->bgr) {
		for (i = 0; i < picture->row_bytes; i += 3) {
			to[i] = from[i + 2];
			to[i + 1] = from[i + 1];
			to[i + 2] = from[i];
		}
	} else if (picture->little_endian) {
		for (i = 0; i < picture->row_bytes; i += 2) {
			to[i] = from[i + 1];
			to[i + 1] = from[i];
		}
	} else {
		memcpy(to, from, picture->row_bytes);
	}
}

static int write_rows(struct output *output, const struct picture *picture)
{
	size_t rows = CHUNK / picture->row_bytes, held = 0;
	uint8_t *chunk, *spare;
	int result = 0;

	if (!rows)
		rows = 1;
	chunk = malloc(rows * picture->row_bytes);
	spare = malloc(picture->row_bytes);
	if (!chunk || !spare) {
		say("out of memory");
		result = -1;
	}
	for (uint32_t y = 0; y < picture->height && !result; y++) {
		convert(picture, chunk + held * picture->row_bytes,
			picture_row(picture, y, spare));
		if (++held == rows || y + 1 == picture->height) {
			result = output_write(output, chunk, held * picture->row_bytes);
			held = 0;
		}
	}
	free(chunk);
	free(spare);
	return result;
}

int write_pnm(struct output *output, const struct picture *picture)
{
	size_t whole = picture->row_bytes * picture->height;
	char header[64];
	int length;

	length = snprintf(header, sizeof(header), "P%c\n%u %u\n%u\n",
			  picture->channels == 3 ? '6' : '5', picture->width, picture->height,
			  picture->depth == 16 ? 65535 : 255);
	if (output_write(output, header, length))
		return -1;

	/* The usual case needs no copy: the pixels are in the frame as they go to the file. */
	if (!picture->bgr && !picture->little_endian &&
	    picture->bytesperline == picture->row_bytes && picture->bytes >= whole)
		return output_write(output, picture->data, whole);
	return write_rows(output, picture);
}
