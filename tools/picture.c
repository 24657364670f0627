// SPDX-License-Identifier: GPL-2.0-only
#include <linux/videodev2.h>
#include <string.h>

#include "fourcc.h"
#include "picture.h"
#include "say.h"

int picture_init(struct picture *picture, const struct grabber_format *format)
{
	char text[FOURCC_TEXT];

	*picture = (struct picture){
		.width = format->width,
		.height = format->height,
		.channels = 1,
		.depth = 8,
		.bytesperline = format->bytesperline,
	};

	switch (format->pixelformat) {
	case V4L2_PIX_FMT_GREY:
		break;
	case V4L2_PIX_FMT_Y16:
		picture->depth = 16;
		picture->little_endian = true;
		break;
	case V4L2_PIX_FMT_Y16_BE:
		picture->depth = 16;
		break;
	case V4L2_PIX_FMT_BGR24:
		picture->bgr = true;
		/* fall through */
	case V4L2_PIX_FMT_RGB24:
		picture->channels = 3;
		break;
	default:
		say("frames of pixel format %s can be saved as they are only: write to a .raw file, or to standard output with -o -",
		    fourcc_text(format->pixelformat, text));
		return -1;
	}

	picture->row_bytes = (size_t)picture->width * picture->channels * picture->depth / 8;
	if (!picture->width || !picture->height || picture->bytesperline < picture->row_bytes ||
	    (uint64_t)picture->bytesperline * (picture->height - 1) + picture->row_bytes >
	    format->sizeimage) {
		say("the card's format makes no sense: %u x %u pixels of %u bytes, %u bytes a line, %u bytes a frame; save to a .raw file instead",
		    format->width, format->height, picture->channels * picture->depth / 8,
		    format->bytesperline, format->sizeimage);
		return -1;
	}
	return 0;
}

const uint8_t *picture_row(const struct picture *picture, uint32_t y, uint8_t *spare)
{
	size_t start = y * picture->bytesperline;
	size_t came = picture->bytes > start ? picture->bytes - start : 0;

	if (came >= picture->row_bytes)
		return picture->data + start;
	memset(spare, 0, picture->row_bytes);
	if (came)
		memcpy(spare, picture->data + start, came);
	return spare;
}
