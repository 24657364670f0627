/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of unit tests share. */
#ifndef UNIT_H
#define UNIT_H

#include <stdbool.h>

/* Print a line of TAP. */
void ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* unit_cards.c: sizes, formats, counters, rates */
void test_cards(void);

#endif
