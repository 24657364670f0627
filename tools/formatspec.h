/* SPDX-License-Identifier: GPL-2.0-only */
/* Formats as users write them: WxH:FOURCC[:BYTESPERLINE[:SIZEIMAGE]]. */
#ifndef GRABBERCTL_FORMATSPEC_H
#define GRABBERCTL_FORMATSPEC_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/grabber.h>

#define FORMAT_TEXT	64

/**
 * struct format_wish - what the user wrote
 * @format: its members
 * @line_given: bytesperline is one of them
 * @size_given: sizeimage is, too
 */
struct format_wish {
	struct grabber_format format;
	bool line_given;
	bool size_given;
};

/* Returns NULL, or a sentence that says what is wrong. */
const char *format_parse(const char *text, struct format_wish *wish);

/*
 * Fill in what the user left out: from the first of @choices that is otherwise the
 * same, or by the pixel format. Returns as above.
 */
const char *format_complete(struct format_wish *wish, const struct grabber_format_choice *choices,
			    size_t count);

/* All four parts, as format_parse() reads them */
const char *format_text(const struct grabber_format *format, char text[FORMAT_TEXT]);

#endif
