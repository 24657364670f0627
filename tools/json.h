/* SPDX-License-Identifier: GPL-2.0-only */
/* Members of a JSON object inside another one, on standard output. */
#ifndef GRABBERCTL_JSON_H
#define GRABBERCTL_JSON_H

#include <stdint.h>

/* @end is "," or, for the last member, "". */
void json_string(const char *name, const char *text, const char *end);
void json_number(const char *name, uint64_t value, const char *end);

#endif
