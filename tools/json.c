// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "json.h"

void json_string(const char *name, const char *text, const char *end)
{
	printf("    \"%s\": \"", name);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x80 && isprint(c))
			putchar(c);
		else
			printf("\\u%04x", c);
	}
	printf("\"%s\n", end);
}

void json_number(const char *name, uint64_t value, const char *end)
{
	printf("    \"%s\": %" PRIu64 "%s\n", name, value, end);
}
