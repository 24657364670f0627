// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>

#include "fourcc.h"
#include "number.h"

#define BIG_ENDIAN_BIT	(1U << 31)	/* v4l2_fourcc_be() */

const char *fourcc_text(uint32_t pixelformat, char text[FOURCC_TEXT])
{
	uint32_t code = pixelformat & ~BIG_ENDIAN_BIT;
	unsigned char c[4] = { code, code >> 8, code >> 16, code >> 24 };

	if (!pixelformat) {
		snprintf(text, FOURCC_TEXT, "unknown");
		return text;
	}
	for (int i = 0; i < 4; i++) {
		if (!isprint(c[i])) {
			snprintf(text, FOURCC_TEXT, "0x%08x", pixelformat);
			return text;
		}
	}
	/* Short codes are filled up with blanks, of no use to people. */
	snprintf(text, FOURCC_TEXT, "%c%c%c%.*s%s", c[0], c[1], c[2], c[3] != ' ', (char *)&c[3],
		 pixelformat & BIG_ENDIAN_BIT ? "-BE" : "");
	return text;
}

const char *fourcc_words(uint32_t pixelformat)
{
	switch (pixelformat) {
	case V4L2_PIX_FMT_GREY:
		return "8-bit grey";
	case V4L2_PIX_FMT_Y16:
		return "16-bit grey, little-endian";
	case V4L2_PIX_FMT_Y16_BE:
		return "16-bit grey, big-endian";
	case V4L2_PIX_FMT_RGB24:
		return "24-bit RGB";
	case V4L2_PIX_FMT_BGR24:
		return "24-bit BGR";
	default:
		return "";
	}
}

int fourcc_parse(const char *text, uint32_t *pixelformat)
{
	size_t length = strlen(text);
	uint64_t number;
	uint32_t code = 0;

	if (!strcmp(text, "unknown")) {
		*pixelformat = 0;
		return 0;
	}
	/* "0x12" may well be four characters of a code. */
	if (length == 10 && !strncmp(text, "0x", 2) && !parse_number(text, UINT32_MAX, &number)) {
		*pixelformat = number;
		return 0;
	}
	if (length > 3 && !strcmp(text + length - 3, "-BE")) {
		code = BIG_ENDIAN_BIT;
		length -= 3;
	}
	if (!length || length > 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		unsigned char c = i < length ? text[i] : ' ';

		if (c >= 0x80 || !isprint(c))
			return -1;
		code |= (uint32_t)c << i * 8;
	}
	*pixelformat = code;
	return 0;
}

unsigned int fourcc_pixel_bytes(uint32_t pixelformat)
{
	switch (pixelformat) {
	case V4L2_PIX_FMT_GREY:
	case V4L2_PIX_FMT_SBGGR8:
	case V4L2_PIX_FMT_SGBRG8:
	case V4L2_PIX_FMT_SGRBG8:
	case V4L2_PIX_FMT_SRGGB8:
		return 1;
	case V4L2_PIX_FMT_Y10:
	case V4L2_PIX_FMT_Y12:
	case V4L2_PIX_FMT_Y16:
	case V4L2_PIX_FMT_Y16_BE:
	case V4L2_PIX_FMT_RGB565:
	case V4L2_PIX_FMT_YUYV:
	case V4L2_PIX_FMT_YVYU:
	case V4L2_PIX_FMT_UYVY:
	case V4L2_PIX_FMT_VYUY:
		return 2;
	case V4L2_PIX_FMT_RGB24:
	case V4L2_PIX_FMT_BGR24:
		return 3;
	case V4L2_PIX_FMT_XBGR32:
	case V4L2_PIX_FMT_XRGB32:
	case V4L2_PIX_FMT_ABGR32:
	case V4L2_PIX_FMT_ARGB32:
		return 4;
	default:
		return 0;
	}
}
