/* SPDX-License-Identifier: GPL-2.0-only */
/* A frame as a picture: what its bytes mean, one row at a time. */
#ifndef GRABBERCTL_PICTURE_H
#define GRABBERCTL_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/grabber.h>

/**
 * struct picture - how to read a frame's bytes
 * @width: pixels a line
 * @height: lines
 * @channels: 1 for grey, 3 for colour
 * @depth: bits a channel, 8 or 16
 * @bgr: blue comes first
 * @little_endian: of 16-bit channels
 * @row_bytes: bytes of a line's pixels
 * @bytesperline: bytes from one line's start to the next one's
 * @data: the frame, usually in the driver's own memory
 * @bytes: how many the card sent; lines beyond are black
 */
struct picture {
	uint32_t width;
	uint32_t height;
	unsigned int channels;
	unsigned int depth;
	bool bgr;
	bool little_endian;
	size_t row_bytes;
	size_t bytesperline;
	const uint8_t *data;
	size_t bytes;
};

/* What is common to all frames of a format. Returns 0, or -1 after saying why
 * such frames cannot become pictures.
 */
int picture_init(struct picture *picture, const struct grabber_format *format);

/*
 * Line @y, in place if all of it came. Otherwise @spare, of row_bytes, is
 * filled with what came and with black.
 */
const uint8_t *picture_row(const struct picture *picture, uint32_t y, uint8_t *spare);

#endif
