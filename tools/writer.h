/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames into files. */
#ifndef GRABBERCTL_WRITER_H
#define GRABBERCTL_WRITER_H

#include "frame.h"
#include "output.h"
#include "pattern.h"
#include "picture.h"

/*
 * One picture into an open file. These return 0, or -1 after saying what
 * went wrong.
 */
int write_png(struct output *output, const struct picture *picture,
	      const struct frame *frame, int compression);
int write_pnm(struct output *output, const struct picture *picture);

/*
 * The frame's bytes. Where @sizeimage is not 0 it takes up exactly that many, a
 * short frame being filled up with zeros: one file of many frames needs that.
 */
int write_raw(struct output *output, const struct frame *frame, size_t sizeimage);

/**
 * struct writer - turns frames into files
 * @pattern: names and kind of the files
 * @picture: how to read a frame, for pictures
 * @sizeimage: bytes of a whole frame, 0 where the driver cannot know
 * @stream: the one file that all frames go to, unless @pattern is numbered
 * @whole: bytes of the whole frames in @stream
 * @compression: zlib level for PNG, 0 to 9
 * @verbose: tell of every frame
 */
struct writer {
	const struct pattern *pattern;
	struct picture picture;
	size_t sizeimage;
	struct output stream;
	uint64_t whole;
	int compression;
	bool verbose;
};

/* Returns 0, or -1 after saying why frames of @format cannot go to @pattern. */
int writer_open(struct writer *writer, const struct pattern *pattern,
		const struct grabber_format *format);

/* All frames go to one file and must come one by one, in order. */
bool writer_is_stream(const struct writer *writer);

/* Write one frame. Safe for several threads unless it is a stream. Returns 0 or -1. */
int writer_put(struct writer *writer, const struct frame *frame);

/* After the last frame; @ok: all went well. Returns 0 or -1. */
int writer_close(struct writer *writer, bool ok);

#endif
