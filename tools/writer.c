// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "say.h"
#include "writer.h"

static int check_colours(const struct writer *writer)
{
	if (writer->pattern->kind == FILE_PGM && writer->picture.channels != 1) {
		say("a .pgm file is grey, but the frames are in colour: write to .ppm or .png");
		return -1;
	}
	if (writer->pattern->kind == FILE_PPM && writer->picture.channels != 3) {
		say("a .ppm file is in colour, but the frames are grey: write to .pgm or .png");
		return -1;
	}
	return 0;
}

bool writer_is_stream(const struct writer *writer)
{
	return !writer->pattern->numbered;
}

int writer_open(struct writer *writer, const struct pattern *pattern,
		const struct grabber_format *format)
{
	*writer = (struct writer){
		.pattern = pattern,
		.sizeimage = format->sizeimage,
		.stream.fd = -1,
		.compression = 1,
	};

	if (pattern->kind != FILE_RAW) {
		if (picture_init(&writer->picture, format) || check_colours(writer))
			return -1;
	}
	if (pattern->to_stdout)
		return output_stdout(&writer->stream);
	if (!pattern->numbered)
		return output_open(&writer->stream, pattern->before);
	return 0;
}

static int write_frame(const struct writer *writer, struct output *output,
		       const struct frame *frame)
{
	struct picture picture = writer->picture;

	picture.data = frame->data;
	picture.bytes = frame->bytes;
	switch (writer->pattern->kind) {
	case FILE_PNG:
		return write_png(output, &picture, frame, writer->compression);
	case FILE_PGM:
	case FILE_PPM:
		return write_pnm(output, &picture);
	default:
		return write_raw(output, frame, writer_is_stream(writer) ? writer->sizeimage : 0);
	}
}

static void tell(const struct frame *frame, const char *name)
{
	if (frame->stamped)
		say("%s: frame %" PRIu64 ", sequence %" PRIu64 ", timestamp %" PRIu64 " ns, %zu bytes",
		    name, frame->index, frame->sequence, frame->timestamp_ns, frame->bytes);
	else
		say("%s: frame %" PRIu64 ", %zu bytes", name, frame->index, frame->bytes);
}

static int put_numbered(struct writer *writer, const struct frame *frame)
{
	char *name = pattern_name(writer->pattern, frame->index);
	struct output output;
	int result = -1;

	if (!name) {
		say("out of memory");
		return -1;
	}
	if (!output_open(&output, name)) {
		result = write_frame(writer, &output, frame);
		if (result)
			output_abandon(&output);
		else
			result = output_commit(&output);
	}
	if (!result && writer->verbose)
		tell(frame, name);
	free(name);
	return result;
}

int writer_put(struct writer *writer, const struct frame *frame)
{
	if (!writer_is_stream(writer))
		return put_numbered(writer, frame);
	if (write_frame(writer, &writer->stream, frame))
		return -1;
	writer->whole = writer->stream.written;
	if (writer->verbose)
		tell(frame, writer->stream.name);
	return 0;
}

int writer_close(struct writer *writer, bool ok)
{
	if (writer->stream.fd < 0)
		return 0;
	/* No frame came: an empty file would pass for a capture. */
	if (!writer->whole) {
		output_abandon(&writer->stream);
		return 0;
	}
	if (ok)
		return output_commit(&writer->stream);
	if (writer->pattern->kind == FILE_RAW)
		output_cut(&writer->stream, writer->whole);
	else
		output_abandon(&writer->stream);
	return 0;
}
