/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs that count instructions have in common. */
#ifndef BENCH_COUNTED_H
#define BENCH_COUNTED_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline uint64_t instructions(void)
{
	return __builtin_ia32_rdtsc();
}

static inline void die(const char *what)
{
	printf("error: %s: %s\n", what, strerror(errno));
	exit(1);
}

static inline int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static inline void report(const char *name, uint64_t *samples, int count)
{
	qsort(samples, count, sizeof(*samples), by_size);
	printf("%s %llu %llu %llu\n", name, (unsigned long long)samples[count / 2],
	       (unsigned long long)samples[0], (unsigned long long)samples[count - 1]);
	fflush(stdout);
}

#endif /* BENCH_COUNTED_H */
