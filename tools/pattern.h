/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of the files that frames are written to, such as frame-%06d.png. */
#ifndef GRABBERCTL_PATTERN_H
#define GRABBERCTL_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

enum file_kind {
	FILE_RAW,
	FILE_PNG,
	FILE_PGM,	/* grey */
	FILE_PPM,	/* colour */
};

/**
 * struct pattern - a file name with a place for the frame's number
 * @kind: by the name's ending
 * @to_stdout: "-": raw bytes to standard output, no name at all
 * @numbered: there is a conversion, and so a file for each frame
 * @before: what comes before the number, or the whole name
 * @after: what comes after it
 * @width: digits at least
 * @zero_padded: with zeros rather than blanks
 */
struct pattern {
	enum file_kind kind;
	bool to_stdout;
	bool numbered;
	char *before;
	char *after;
	unsigned int width;
	bool zero_padded;
};

/*
 * @text never reaches printf: the conversion is checked here. Returns NULL, or
 * a sentence that says what is wrong with @text. Release with pattern_free().
 */
const char *pattern_parse(struct pattern *pattern, const char *text);

/* The name of frame @index, for the caller to free; NULL without memory. */
char *pattern_name(const struct pattern *pattern, uint64_t index);

void pattern_free(struct pattern *pattern);

#endif
