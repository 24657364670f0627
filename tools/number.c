// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "number.h"

#define NS_PER_S	1000000000LL

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

int parse_number(const char *text, uint64_t max, uint64_t *value)
{
	unsigned int base = 10;
	bool too_big = false;
	uint64_t sum = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (!*text)
		return -EINVAL;

	/* To the end even when it is too big: "99999999999999999999z" is no number. */
	for (; *text; text++) {
		unsigned int digit = digit_value(*text);

		if (digit >= base)
			return -EINVAL;
		if (sum > (UINT64_MAX - digit) / base)
			too_big = true;
		else
			sum = sum * base + digit;
	}
	if (too_big || sum > max)
		return -ERANGE;
	*value = sum;
	return 0;
}

int parse_size(const char *text, uint64_t max, uint64_t *value)
{
	size_t length = strlen(text);
	unsigned int shift = 0;
	char digits[32];
	int error;

	if (length && strchr("kK", text[length - 1]))
		shift = 10;
	else if (length && strchr("mM", text[length - 1]))
		shift = 20;
	length -= shift != 0;
	if (length >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, length);
	digits[length] = 0;
	error = parse_number(digits, max >> shift, value);
	if (!error)
		*value <<= shift;
	return error;
}

int parse_seconds(const char *text, int64_t *ns)
{
	int64_t whole = 0, part = 0, unit = NS_PER_S;
	bool digits = false, too_big = false;

	for (; *text >= '0' && *text <= '9'; text++) {
		digits = true;
		whole = whole * 10 + (*text - '0');
		if (whole > INT64_MAX / NS_PER_S - 1) {
			too_big = true;
			whole = 0;
		}
	}
	if (*text == '.') {
		for (text++; *text >= '0' && *text <= '9'; text++) {
			if (unit == 1)
				return -EINVAL;
			digits = true;
			unit /= 10;
			part += (*text - '0') * unit;
		}
	}
	if (!digits || *text)
		return -EINVAL;
	if (too_big)
		return -ERANGE;
	*ns = whole * NS_PER_S + part;
	return 0;
}
