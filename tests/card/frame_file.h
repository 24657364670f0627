/* SPDX-License-Identifier: GPL-2.0-only */
/* A captured frame in a file: PNG, PPM or its bare bytes. */
#ifndef CARD_FRAME_FILE_H
#define CARD_FRAME_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame_file {
	int width, height;	/* 0 for bare bytes */
	size_t bytes;
	uint8_t *pixels;
	bool has_sequence;	/* a PNG can say the driver's number, see README.md */
	uint64_t sequence;
};

/* False with a sentence in @error where it cannot be read */
bool frame_file_read(struct frame_file *f, const char *path, char *error, size_t error_size);
void frame_file_free(struct frame_file *f);

#endif
