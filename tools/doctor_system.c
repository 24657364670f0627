// SPDX-License-Identifier: GPL-2.0-only
/* Which system this is, and how it installs packages. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "doctor.h"
#include "doctor_root.h"

/* Is @word among the blank-separated ones of ID= or ID_LIKE=, which may be in quotes? */
static bool has_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	for (line = strchr(line, '='); line && *line; line += strcspn(line, " \"'")) {
		line++;
		if (!strncmp(line, word, length) && strchr(" \"'\n", line[length]))
			return true;
	}
	return false;
}

static enum doctor_system by_line(const char *line)
{
	static const struct {
		const char *word;
		enum doctor_system system;
	} known[] = {
		{ "debian", SYSTEM_DEBIAN },
		{ "ubuntu", SYSTEM_DEBIAN },
		{ "fedora", SYSTEM_FEDORA },
		{ "rhel", SYSTEM_FEDORA },
		{ "centos", SYSTEM_FEDORA },
	};

	if (strncmp(line, "ID=", 3) && strncmp(line, "ID_LIKE=", 8))
		return SYSTEM_OTHER;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (has_word(line, known[i].word))
			return known[i].system;
	return SYSTEM_OTHER;
}

void doctor_look_at_system(struct doctor *doctor)
{
	FILE *file = root_open("/etc/os-release");
	struct utsname names;
	char line[512];

	if (!file)
		file = root_open("/usr/lib/os-release");
	while (file && !doctor->system && fgets(line, sizeof(line), file))
		doctor->system = by_line(line);
	if (file)
		fclose(file);

	if (root_read(doctor->release, sizeof(doctor->release),
		      "/proc/sys/kernel/osrelease") <= 0 && !uname(&names))
		snprintf(doctor->release, sizeof(doctor->release), "%s", names.release);
	doctor->sysfs = !root_look("/sys/class");
}

char *doctor_install(const struct doctor *doctor, const char *debian, const char *fedora)
{
	if (doctor->system == SYSTEM_DEBIAN)
		return doctor_mend("apt install %s", debian);
	if (doctor->system == SYSTEM_FEDORA)
		return doctor_mend("dnf install %s", fedora);
	return NULL;
}

const char *doctor_why(const struct doctor *doctor, int error)
{
	if (error < 0)
		error = -error;
	if ((error == EACCES || error == EPERM) && !doctor->root)
		return "run as root";
	return strerror(error);
}
