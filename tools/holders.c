// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "holders.h"
#include "say.h"

static bool has_open(const char *pid, const char *node)
{
	char path[64 + NAME_MAX], target[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	ssize_t length;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%.20s/fd/%s", pid, entry->d_name);
		length = readlink(path, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = 0;
		found = !strcmp(target, node);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* A mapping outlives the descriptor that it was made by. */
static bool has_mapped(const char *pid, const char *node)
{
	char path[64], *line = NULL;
	bool found = false;
	size_t size = 0;
	ssize_t length;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
	file = fopen(path, "re");
	while (file && !found && (length = getline(&line, &size, file)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = 0;
		found = strchr(line, '/') && !strcmp(strchr(line, '/'), node);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

static void process_name(const char *pid, char *name, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(name, size, file))
		snprintf(name, size, "?");
	if (file)
		fclose(file);
	name[strcspn(name, "\n")] = 0;
	for (char *c = name; *c; c++)
		*c = isprint((unsigned char)*c) ? *c : '?';
}

/* "; it is used by NAME (PID), NAME (PID)" */
static void list_programs(FILE *to, const char *node)
{
	DIR *dir = opendir("/proc");
	const char *before = "; it is used by ";
	struct dirent *entry;
	char name[64];

	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || atol(entry->d_name) == getpid())
			continue;
		if (!has_open(entry->d_name, node) && !has_mapped(entry->d_name, node))
			continue;
		process_name(entry->d_name, name, sizeof(name));
		fprintf(to, "%s%s (%s)", before, name, entry->d_name);
		before = ", ";
	}
	if (dir)
		closedir(dir);
	if (before[0] == ',')
		fprintf(to, ": end that and try again");
	else if (geteuid())
		fprintf(to, "; end the programs that use it and try again (root is told their names here)");
	else
		fprintf(to, "; no program has it open, so wait, or see who uses a dma-buf of it, and try again");
}

static void list_reasons(FILE *to, int fd, const char *otherwise)
{
	struct grabber_stats stats = { 0 };
	struct grabber_info info = { 0 };

	if (!ioctl(fd, GRABBER_IOC_INFO, &info) && info.flags & GRABBER_INFO_STREAMING)
		fprintf(to, "capture is on");
	else if (!ioctl(fd, GRABBER_IOC_GET_STATS, &stats) && stats.held)
		fprintf(to, "%" PRIu32 " slot%s held", stats.held, stats.held == 1 ? " is" : "s are");
	else
		fprintf(to, "%s", otherwise);
}

void holders_explain(unsigned int card, int fd, const char *what, const char *otherwise)
{
	char *node = device_path(card, NODE_FRAMES), *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to) {
		list_reasons(to, fd, otherwise);
		list_programs(to, node);
		fclose(to);
	}
	say("%s is busy, and %s stays as it was: %s", node, what, text ? text : "out of memory");
	free(text);
	free(node);
}
