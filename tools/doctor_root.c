// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor_root.h"
#include "say.h"
#include "textfile.h"

#define ARGS_MAX	8

char *root_vpath(const char *fmt, va_list args)
{
	char *below, *path;

	if (vasprintf(&below, fmt, args) < 0 || asprintf(&path, "%s%s", GRABBER_ROOT, below) < 0) {
		say("out of memory");
		exit(EXIT_FAILED);
	}
	free(below);
	return path;
}

/* Sets @path from the arguments after @fmt. */
#define GET_PATH(path, fmt)			\
	do {					\
		va_list args;			\
						\
		va_start(args, fmt);		\
		path = root_vpath(fmt, args);	\
		va_end(args);			\
	} while (0)

char *root_path(const char *fmt, ...)
{
	char *path;

	GET_PATH(path, fmt);
	return path;
}

int root_look(const char *fmt, ...)
{
	struct stat st;
	char *path;
	int result;

	GET_PATH(path, fmt);
	result = lstat(path, &st) ? -errno : 0;
	free(path);
	return result;
}

int root_read(char *text, size_t size, const char *fmt, ...)
{
	char *path;
	int length;

	GET_PATH(path, fmt);
	length = textfile_read(path, text, size);
	free(path);
	return length;
}

int root_link(char *target, size_t size, const char *fmt, ...)
{
	ssize_t length;
	char *path;
	int error;

	target[0] = 0;
	GET_PATH(path, fmt);
	length = readlink(path, target, size - 1);
	error = -errno;
	free(path);
	if (length < 0)
		return error;
	target[length] = 0;
	return 0;
}

void root_link_name(char *name, size_t size, const char *fmt, ...)
{
	char target[PATH_MAX];
	ssize_t length;
	char *path;

	GET_PATH(path, fmt);
	length = readlink(path, target, sizeof(target) - 1);
	free(path);
	target[length < 0 ? 0 : length] = 0;
	snprintf(name, size, "%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
}

FILE *root_open(const char *fmt, ...)
{
	FILE *file;
	char *path;
	int error;

	GET_PATH(path, fmt);
	file = fopen(path, "re");
	error = errno;
	free(path);
	errno = error;
	return file;
}

DIR *root_dir(const char *fmt, ...)
{
	char *path;
	int error;
	DIR *dir;

	GET_PATH(path, fmt);
	dir = opendir(path);
	error = errno;
	free(path);
	errno = error;
	return dir;
}

const char *root_next(DIR *dir)
{
	struct dirent *entry;

	do {
		entry = readdir(dir);
	} while (entry && entry->d_name[0] == '.');
	return entry ? entry->d_name : NULL;
}

bool root_program(const char *name, char *path, size_t size)
{
	/* Users often have no sbin on their PATH. */
	static const char * const more[] = { "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin" };
	const char *dir = getenv("PATH");

	while (dir && *dir) {
		int length = strcspn(dir, ":");

		snprintf(path, size, "%.*s/%s", length, dir, name);
		if (length && !access(path, X_OK))
			return true;
		dir += length;
		dir += *dir == ':';
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		snprintf(path, size, "%s%s/%s", GRABBER_ROOT, more[i], name);
		if (!access(path, X_OK))
			return true;
	}
	path[0] = 0;
	return false;
}

static void become(const char *path, char **args, int output)
{
	int null = open("/dev/null", O_RDWR);

	/* What it prints is looked at, so it must not be in the user's language. */
	setenv("LC_ALL", "C", 1);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDERR_FILENO);
	}
	dup2(output, STDOUT_FILENO);
	execv(path, args);
	_exit(127);
}

/* All that comes, as far as it fits. */
static void read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	char rest[512];
	ssize_t bytes;

	do {
		if (length < size - 1)
			bytes = read(fd, text + length, size - 1 - length);
		else
			bytes = read(fd, rest, sizeof(rest));
		if (bytes > 0 && length < size - 1)
			length += bytes;
	} while (bytes > 0 || (bytes < 0 && errno == EINTR));
	if (length && text[length - 1] == '\n')
		length--;
	text[length] = 0;
}

int root_run(char *text, size_t size, const char *name, ...)
{
	char path[PATH_MAX], *args[ARGS_MAX] = { NULL };
	int ends[2], status, count = 0;
	va_list list;
	pid_t child;

	text[0] = 0;
	if (!root_program(name, path, sizeof(path)) || pipe2(ends, O_CLOEXEC))
		return -1;
	args[count++] = path;
	va_start(list, name);
	while (count < ARGS_MAX - 1 && (args[count] = va_arg(list, char *)))
		count++;
	va_end(list);

	fflush(NULL);
	child = fork();
	if (!child)
		become(path, args, ends[1]);
	close(ends[1]);
	if (child > 0)
		read_all(ends[0], text, size);
	close(ends[0]);
	if (child < 0)
		return -1;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
