/* SPDX-License-Identifier: GPL-2.0-only */
/* Pixel formats by their V4L2 FourCC codes, for people. */
#ifndef GRABBERCTL_FOURCC_H
#define GRABBERCTL_FOURCC_H

#include <stdint.h>

#define FOURCC_TEXT	16

/* "RGB3", "Y16 -BE", "0x12345678" where it is no text, "unknown" for 0 */
const char *fourcc_text(uint32_t pixelformat, char text[FOURCC_TEXT]);

/* "24-bit RGB", or "" for formats that grabberctl does not know */
const char *fourcc_words(uint32_t pixelformat);

/* The code of a text as above. Returns 0, or -1 where it is none. */
int fourcc_parse(const char *text, uint32_t *pixelformat);

/* Bytes of a pixel, or 0 for formats that grabberctl does not know or that are not packed */
unsigned int fourcc_pixel_bytes(uint32_t pixelformat);

#endif
