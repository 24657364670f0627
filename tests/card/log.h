/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CARD_LOG_H
#define CARD_LOG_H

#include <stdarg.h>
#include <stdio.h>

/* One sentence to standard error, which the harness keeps beside the guest's log */
__attribute__((format(printf, 1, 2)))
static inline void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("grabber-card: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

#endif
