// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "formatspec.h"
#include "fourcc.h"
#include "number.h"

#define SHAPE	"write the format as WIDTHxHEIGHT:FOURCC, as in 1920x1080:RGB3; bytes a line and bytes a frame may follow, each after a colon"

static bool parse_u32(const char *text, __u32 *to)
{
	uint64_t value;

	if (!text || parse_number(text, UINT32_MAX, &value))
		return false;
	*to = value;
	return true;
}

const char *format_parse(const char *text, struct format_wish *wish)
{
	char copy[FORMAT_TEXT], *rest = copy, *size, *width, *fourcc, *line, *image;

	memset(wish, 0, sizeof(*wish));
	if (strlen(text) >= sizeof(copy))
		return SHAPE;
	strcpy(copy, text);
	size = strsep(&rest, ":");
	fourcc = strsep(&rest, ":");
	line = strsep(&rest, ":");
	image = strsep(&rest, ":");
	width = strsep(&size, "x");
	if (rest || !fourcc)
		return SHAPE;
	if (!parse_u32(width, &wish->format.width) || !parse_u32(size, &wish->format.height))
		return "the format's size is not of the form WIDTHxHEIGHT, as in 1920x1080";
	if (fourcc_parse(fourcc, &wish->format.pixelformat))
		return "the pixel format is no V4L2 FourCC code, such as RGB3 or GREY";
	if (line && !parse_u32(line, &wish->format.bytesperline))
		return "the bytes a line are not a number that fits 32 bits";
	if (image && !parse_u32(image, &wish->format.sizeimage))
		return "the bytes a frame are not a number that fits 32 bits";
	wish->line_given = line;
	wish->size_given = image;
	return NULL;
}

static bool matches(const struct format_wish *wish, const struct grabber_format *choice)
{
	const struct grabber_format *format = &wish->format;

	return format->width == choice->width && format->height == choice->height &&
	       format->pixelformat == choice->pixelformat &&
	       (!wish->line_given || format->bytesperline == choice->bytesperline);
}

static const char *compute(struct format_wish *wish)
{
	struct grabber_format *format = &wish->format;
	uint64_t line = format->bytesperline, image;

	if (!wish->line_given) {
		line = (uint64_t)format->width * fourcc_pixel_bytes(format->pixelformat);
		if (!line)
			return "what a line takes in that pixel format is not known here; add bytes a line and bytes a frame, as in 640x480:NV12:640:460800";
	}
	if (!line)
		return "frames without lines of a fixed length need their bytes a frame said, as in 640x480:MJPG:0:1000000";
	image = line * format->height;
	if (line > UINT32_MAX || image / line != format->height || image > UINT32_MAX)
		return "a frame of that size has more bytes than 32 bits can count";
	format->bytesperline = line;
	format->sizeimage = image;
	return NULL;
}

const char *format_complete(struct format_wish *wish, const struct grabber_format_choice *choices,
			    size_t count)
{
	if (wish->size_given)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (!matches(wish, &choices[i].format))
			continue;
		wish->format = choices[i].format;
		return NULL;
	}
	return compute(wish);
}

const char *format_text(const struct grabber_format *format, char text[FORMAT_TEXT])
{
	char fourcc[FOURCC_TEXT];

	snprintf(text, FORMAT_TEXT, "%" PRIu32 "x%" PRIu32 ":%s:%" PRIu32 ":%" PRIu32,
		 format->width, format->height, fourcc_text(format->pixelformat, fourcc),
		 format->bytesperline, format->sizeimage);
	return text;
}
