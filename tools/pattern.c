// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pattern.h"

#define WIDTH_MAX	20	/* digits of the greatest 64-bit number */

static const struct {
	const char *ending;
	enum file_kind kind;
} endings[] = {
	{ ".raw", FILE_RAW },
	{ ".png", FILE_PNG },
	{ ".pgm", FILE_PGM },
	{ ".ppm", FILE_PPM },
};

static bool find_kind(const char *text, enum file_kind *kind)
{
	const char *dot = strrchr(text, '.');

	for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (!strcasecmp(dot, endings[i].ending)) {
			*kind = endings[i].kind;
			return true;
		}
	}
	return false;
}

/* Reads "06d" after the percent sign; returns what follows, or NULL. */
static const char *parse_conversion(struct pattern *pattern, const char *text)
{
	if (*text == '0') {
		pattern->zero_padded = true;
		text++;
	}
	while (*text >= '0' && *text <= '9') {
		pattern->width = pattern->width * 10 + (*text++ - '0');
		if (pattern->width > WIDTH_MAX)
			return NULL;
	}
	if (*text != 'd' && *text != 'i' && *text != 'u')
		return NULL;
	pattern->numbered = true;
	return text + 1;
}

const char *pattern_parse(struct pattern *pattern, const char *text)
{
	const char *wrong = NULL;
	char *to;

	memset(pattern, 0, sizeof(*pattern));
	if (!strcmp(text, "-")) {
		pattern->to_stdout = true;
		return NULL;
	}
	if (!find_kind(text, &pattern->kind))
		return "the output's name must end in .png, .pgm, .ppm or .raw, or be - for raw bytes to standard output";

	pattern->before = calloc(1, strlen(text) + 1);
	pattern->after = calloc(1, strlen(text) + 1);
	if (!pattern->before || !pattern->after) {
		wrong = "out of memory";
		goto out;
	}

	to = pattern->before;
	while (*text) {
		if (*text != '%') {
			*to++ = *text++;
		} else if (text[1] == '%') {
			*to++ = '%';
			text += 2;
		} else if (pattern->numbered) {
			wrong = "the output's name has more than one place for the frame's number; write a percent sign as %%";
			goto out;
		} else {
			text = parse_conversion(pattern, text + 1);
			if (!text) {
				wrong = "after % in the output's name only d is known, with a width of up to 20 digits, as in frame-%06d.png; write a percent sign as %%";
				goto out;
			}
			to = pattern->after;
		}
	}
out:
	if (wrong)
		pattern_free(pattern);
	return wrong;
}

char *pattern_name(const struct pattern *pattern, uint64_t index)
{
	char number[WIDTH_MAX + 1], *name;

	if (!pattern->numbered)
		return strdup(pattern->before);

	if (pattern->zero_padded)
		snprintf(number, sizeof(number), "%0*" PRIu64, (int)pattern->width, index);
	else
		snprintf(number, sizeof(number), "%*" PRIu64, (int)pattern->width, index);
	if (asprintf(&name, "%s%s%s", pattern->before, number, pattern->after) < 0)
		return NULL;
	return name;
}

void pattern_free(struct pattern *pattern)
{
	free(pattern->before);
	free(pattern->after);
	pattern->before = NULL;
	pattern->after = NULL;
}
