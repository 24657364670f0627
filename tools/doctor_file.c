// SPDX-License-Identifier: GPL-2.0-only
/* A grabber.ko: where modprobe finds it, and what it says of itself. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_root.h"

#define SIZE_MAX_READ	(16 << 20)

static const char trailer[] = "~Module signature appended~\n";

/* Is this the path of grabber.ko, or of that with .xz, .zst or .gz behind it? */
static bool is_module(const char *path, size_t length)
{
	static const char name[] = "/grabber.ko";
	const char *at = memmem(path, length, name, strlen(name));
	size_t rest;

	if (!at)
		return false;
	at += strlen(name);
	rest = path + length - at;
	return !rest || (*at == '.' && !memchr(at, '/', rest));
}

/* modules.dep has "PATH: WHAT IT NEEDS", where PATH is below its own directory. */
static void find_in_list(struct doctor_file *file, const char *release)
{
	FILE *list = root_open("/lib/modules/%s/modules.dep", release);
	char *line = NULL;
	size_t size = 0;

	while (list && !file->listed && getline(&line, &size, list) > 0) {
		size_t length = strcspn(line, ":\n");

		/* Some write the whole path. */
		if (!is_module(line, length))
			continue;
		line[length] = 0;
		if (line[0] == '/')
			snprintf(file->path, sizeof(file->path), "%s", line);
		else
			snprintf(file->path, sizeof(file->path), "/lib/modules/%s/%s", release,
				 line);
		file->listed = true;
	}
	free(line);
	if (list)
		fclose(list);
}

/* Where DKMS, rpm and "make modules_install" put modules that are not the kernel's own. */
static void find_unlisted(struct doctor_file *file, const char *release)
{
	static const char * const dirs[] = { "updates/dkms", "extra", "updates", "kernel/extra" };
	static const char * const endings[] = { "", ".xz", ".zst", ".gz" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		for (size_t j = 0; j < sizeof(endings) / sizeof(endings[0]); j++) {
			snprintf(file->path, sizeof(file->path), "/lib/modules/%s/%s/grabber.ko%s",
				 release, dirs[i], endings[j]);
			if (!root_look("%s", file->path))
				return;
		}
	}
	file->path[0] = 0;
}

/* Finds a file, but does not look into it. */
void doctor_find_file(struct doctor_file *file, const char *release)
{
	memset(file, 0, sizeof(*file));
	find_in_list(file, release);
	if (file->listed && !root_look("%s", file->path))
		return;
	file->listed = false;
	find_unlisted(file, release);
}

/* By modinfo, which knows compressed files and signatures. */
static bool ask_modinfo(struct doctor_file *file, const char *path)
{
	/* Grabber has a version; busybox's modinfo does not find it by its path. */
	if (root_run(file->version, sizeof(file->version), "modinfo", "-F", "version", path, NULL) ||
	    !file->version[0])
		return false;
	root_run(file->srcversion, sizeof(file->srcversion), "modinfo", "-F", "srcversion", path,
		 NULL);
	root_run(file->signer, sizeof(file->signer), "modinfo", "-F", "signer", path, NULL);
	file->is_signed = file->signer[0] ? SIGNED_YES : SIGNED_NO;
	return true;
}

/* The value of "\0key=value\0" among the strings of .modinfo. */
static void find_string(const char *data, size_t length, const char *key, char *value, size_t size)
{
	char wanted[32];
	size_t key_length;
	const char *at;

	/* The first has no NUL of its own before it, but the section before ends with one. */
	wanted[0] = 0;
	key_length = 1 + snprintf(wanted + 1, sizeof(wanted) - 1, "%s=", key);
	at = memmem(data, length, wanted, key_length);
	if (!at)
		return;
	at += key_length;
	snprintf(value, size, "%.*s", (int)strnlen(at, data + length - at), at);
}

/* Without modinfo: the file as it is, unless it is compressed. */
static void look_into(struct doctor_file *file, const char *path)
{
	FILE *stream = fopen(path, "re");
	char *data = malloc(SIZE_MAX_READ);
	size_t length = 0, end = strlen(trailer);

	if (stream && data)
		length = fread(data, 1, SIZE_MAX_READ, stream);
	if (length > 4 && !memcmp(data, "\177ELF", 4)) {
		find_string(data, length, "version", file->version, sizeof(file->version));
		find_string(data, length, "srcversion", file->srcversion, sizeof(file->srcversion));
		file->is_signed = length > end && !memcmp(data + length - end, trailer, end) ?
				  SIGNED_YES : SIGNED_NO;
	}
	free(data);
	if (stream)
		fclose(stream);
}

void doctor_read_file(struct doctor_file *file)
{
	char *path;

	if (!file->path[0])
		return;
	path = root_path("%s", file->path);
	/* modinfo tells no signer of a signature that it cannot take apart. */
	if (!ask_modinfo(file, path) || file->is_signed == SIGNED_NO)
		look_into(file, path);
	free(path);
}

static bool has_modinfo(void)
{
	char path[PATH_MAX];

	return root_program("modinfo", path, sizeof(path));
}

const char *doctor_why_no_modinfo(const struct doctor *doctor)
{
	if (!has_modinfo())
		return "the file is compressed, and modinfo is not installed";
	return doctor->root ? "modinfo cannot read the file" : "run as root";
}

char *doctor_mend_modinfo(const struct doctor *doctor)
{
	return has_modinfo() ? NULL : doctor_install(doctor, "kmod", "kmod");
}
