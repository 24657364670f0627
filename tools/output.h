/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file being written. It is called NAME.part until it is whole, so that
 * whoever finds NAME finds all of it.
 */
#ifndef GRABBERCTL_OUTPUT_H
#define GRABBERCTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct output - see above
 * @fd: where to write
 * @name: final name, for messages too
 * @part: name until output_commit(); NULL where @name is a device, pipe or
 *	standard output and is written directly
 * @written: bytes so far
 */
struct output {
	int fd;
	char *name;
	char *part;
	uint64_t written;
};

/* All of these return 0, or -1 after saying what went wrong. */
int output_open(struct output *output, const char *name);
int output_stdout(struct output *output);
int output_write(struct output *output, const void *data, size_t bytes);
int output_commit(struct output *output);

/* Give up: nothing is left. */
void output_abandon(struct output *output);

/* Give up, but keep the first @bytes under the .part name. */
void output_cut(struct output *output, uint64_t bytes);

#endif
