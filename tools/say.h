/* SPDX-License-Identifier: GPL-2.0-only */
/* What the user is told: one sentence a line, on standard error. */
#ifndef GRABBERCTL_SAY_H
#define GRABBERCTL_SAY_H

/* Exit statuses; the manual page lists them. */
#define EXIT_FAILED	1
#define EXIT_USAGE	2
#define EXIT_LOSS	3

/* Print "grabberctl: SENTENCE". Lines of several threads do not mix. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "" for one, "s" for any other number */
const char *plural(unsigned long long n);

#endif
