/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers as users write them, read without strtoul's leniency. */
#ifndef GRABBERCTL_NUMBER_H
#define GRABBERCTL_NUMBER_H

#include <stdint.h>

/*
 * Decimal, or hexadecimal after 0x. No sign, no blanks, nothing after the
 * number; a leading zero does not mean octal. Returns 0, -EINVAL where @text
 * is no such number, or -ERANGE where it is more than @max.
 */
int parse_number(const char *text, uint64_t max, uint64_t *value);

/* As above, and K or M may follow: units of 1024 or 1024 * 1024. */
int parse_size(const char *text, uint64_t max, uint64_t *value);

/* Seconds with up to nine decimals, as nanoseconds. Returns as above. */
int parse_seconds(const char *text, int64_t *ns);

#endif
