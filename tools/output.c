// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "say.h"

/* write(2) takes no more at a time, on any system */
#define WRITE_MAX	0x7ffff000UL

static void release(struct output *output)
{
	free(output->name);
	free(output->part);
	output->name = NULL;
	output->part = NULL;
	output->fd = -1;
}

static int complain(const struct output *output, int error)
{
	switch (error) {
	case ENOSPC:
		say("%s: the disk is full; free some space, or write elsewhere", output->name);
		break;
	case EDQUOT:
		say("%s: your disk quota is used up; free some space, or write elsewhere",
		    output->name);
		break;
	case EFBIG:
		say("%s: the file would be larger than the file system or 'ulimit -f' allows; write a file for each frame, as in frame-%%06d.raw",
		    output->name);
		break;
	case EPIPE:
		say("%s: whoever read the frames has ended", output->name);
		break;
	default:
		say("%s: %s", output->name, strerror(error));
	}
	return -1;
}

static bool is_special(const char *name)
{
	struct stat st;

	return !stat(name, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int output_open(struct output *output, const char *name)
{
	int flags = O_WRONLY | O_CLOEXEC, error;

	*output = (struct output){ .fd = -1, .name = strdup(name) };
	if (!output->name)
		goto no_memory;
	if (!is_special(name)) {
		flags |= O_CREAT | O_TRUNC | O_NOFOLLOW;
		if (asprintf(&output->part, "%s.part", name) < 0) {
			output->part = NULL;
			goto no_memory;
		}
	}

	output->fd = open(output->part ? output->part : name, flags, 0666);
	if (output->fd >= 0)
		return 0;
	error = errno;
	if (error == ENOENT)
		say("%s: the directory it should go to does not exist; make it first", name);
	else
		complain(output, error);
	release(output);
	return -1;

no_memory:
	say("out of memory");
	release(output);
	return -1;
}

int output_stdout(struct output *output)
{
	*output = (struct output){ .fd = STDOUT_FILENO, .name = strdup("standard output") };
	if (output->name)
		return 0;
	say("out of memory");
	return -1;
}

int output_write(struct output *output, const void *data, size_t bytes)
{
	const char *from = data;

	while (bytes) {
		ssize_t done = write(output->fd, from, bytes < WRITE_MAX ? bytes : WRITE_MAX);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return complain(output, errno);
		from += done;
		bytes -= done;
		output->written += done;
	}
	return 0;
}

int output_commit(struct output *output)
{
	int error = 0;

	/* Network file systems tell of a full disk only here. */
	if (close(output->fd) && errno != EINTR)
		error = errno;
	else if (output->part && rename(output->part, output->name))
		error = errno;
	if (error) {
		complain(output, error);
		if (output->part)
			unlink(output->part);
	}
	release(output);
	return error ? -1 : 0;
}

void output_abandon(struct output *output)
{
	if (output->fd < 0)
		return;
	close(output->fd);
	if (output->part)
		unlink(output->part);
	release(output);
}

void output_cut(struct output *output, uint64_t bytes)
{
	if (output->fd < 0)
		return;
	if (!bytes || !output->part || ftruncate(output->fd, bytes)) {
		output_abandon(output);
		return;
	}
	say("the whole frames before that are kept in %s", output->part);
	close(output->fd);
	release(output);
}
