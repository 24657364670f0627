// SPDX-License-Identifier: GPL-2.0-only
/* The module: installed, loaded, and whether both are the same. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_root.h"

#define MODULE	"/sys/module/grabber"

void doctor_look_at_module(struct doctor *doctor)
{
	doctor_find_file(&doctor->file, doctor->release);
	doctor_read_file(&doctor->file);
	/* A module that is built in has the directory, but no state. */
	doctor->loaded = !root_look(MODULE "/initstate");
}

void doctor_check_module(struct doctor *doctor)
{
	const struct doctor_file *file = &doctor->file;
	const char *release = doctor->release;
	int error = root_look("/lib/modules/%s/.", release);

	if (!file->path[0] && error && error != -ENOENT)
		doctor_tell(doctor, "module", release, DOCTOR_UNKNOWN, NULL,
			    "cannot tell: /lib/modules/%s: %s", release, doctor_why(doctor, error));
	else if (!file->path[0] && doctor->loaded)
		doctor_tell(doctor, "module", release, DOCTOR_WARNING,
			    doctor_mend_module(doctor, release),
			    "the module is loaded, but not installed: after the next boot it will not be there");
	else if (!file->path[0])
		doctor_tell(doctor, "module", release, DOCTOR_WRONG,
			    doctor_mend_module(doctor, release),
			    "no module grabber is installed for this kernel");
	else if (!file->listed)
		doctor_tell(doctor, "module", release, DOCTOR_WRONG,
			    doctor_mend("depmod -a %s", release),
			    "%s is there, but not listed in modules.dep, so modprobe and udev do not find it",
			    file->path);
	else
		doctor_tell(doctor, "module", release, DOCTOR_OK, NULL, "grabber %s is installed as %s",
			    file->version[0] ? file->version : "of unknown version", file->path);
}

/* Does this line of a file in modprobe.d keep grabber from being loaded? */
static bool forbids(const char *line)
{
	char word[16], name[32], rest[32];
	int words = sscanf(line, "%15s %31s %31s", word, name, rest);

	if (words < 2 || strcmp(name, "grabber"))
		return false;
	return !strcmp(word, "blacklist") ||
	       (words == 3 && !strcmp(word, "install") &&
		(strstr(rest, "/false") || strstr(rest, "/true")));
}

static bool file_forbids(const char *path)
{
	FILE *file = root_open("%s", path);
	bool forbidden = false;
	char line[256];

	while (file && !forbidden && fgets(line, sizeof(line), file))
		forbidden = forbids(line);
	if (file)
		fclose(file);
	return forbidden;
}

/* The file of modprobe.d that keeps grabber from being loaded, "" for none. */
static void find_forbidding(char *path, size_t size)
{
	static const char * const dirs[] = { "/etc/modprobe.d", "/run/modprobe.d",
					     "/usr/lib/modprobe.d", "/lib/modprobe.d" };
	const char *name;
	bool found = false;
	DIR *dir;

	path[0] = 0;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !found; i++) {
		dir = root_dir("%s", dirs[i]);
		while (dir && !found && (name = root_next(dir))) {
			if (strlen(name) < 5 || strcmp(name + strlen(name) - 5, ".conf"))
				continue;
			snprintf(path, size, "%s/%s", dirs[i], name);
			found = file_forbids(path);
		}
		if (dir)
			closedir(dir);
	}
	if (!found)
		path[0] = 0;
}

static void tell_not_loaded(struct doctor *doctor)
{
	char forbidding[PATH_MAX];

	find_forbidding(forbidding, sizeof(forbidding));
	if (!doctor->file.path[0])
		doctor_tell(doctor, "loaded", "", DOCTOR_WRONG, NULL,
			    "the module is not loaded, for it is not installed: see the line 'module'");
	else if (doctor->enforced && doctor->file.is_signed == SIGNED_NO)
		doctor_tell(doctor, "loaded", "", DOCTOR_WRONG, NULL,
			    "the module is not loaded, and the kernel would refuse it: see the line 'signature'");
	else if (forbidding[0])
		doctor_tell(doctor, "loaded", "", DOCTOR_WRONG,
			    doctor_mend("sed -i -E \"/^[[:space:]]*(blacklist|install)[[:space:]]+grabber\\b/d\" %s && modprobe grabber",
					forbidding),
			    "the module is not loaded: %s forbids it", forbidding);
	else if (!doctor->has_card)
		doctor_tell(doctor, "loaded", "", DOCTOR_WARNING, doctor_mend("modprobe grabber"),
			    "the module is not loaded; udev does that when a card is there that it knows");
	else
		doctor_tell(doctor, "loaded", "", DOCTOR_WRONG, doctor_mend("modprobe grabber"),
			    "the module is not loaded, though a card is there");
}

/* Both are the same, or one of them is not known. */
static bool same(const char *a, const char *b)
{
	return !a[0] || !b[0] || !strcmp(a, b);
}

static void tell_version(struct doctor *doctor)
{
	const struct doctor_file *file = &doctor->file;
	char version[64], srcversion[64], users[16], about_users[80] = "";

	root_read(version, sizeof(version), MODULE "/version");
	root_read(srcversion, sizeof(srcversion), MODULE "/srcversion");
	root_read(users, sizeof(users), MODULE "/refcnt");
	if (atoi(users) > 0)
		snprintf(about_users, sizeof(about_users),
			 ", when the programs that use it have ended (%d now)", atoi(users));

	if (!same(version, file->version))
		doctor_tell(doctor, "loaded", "", DOCTOR_WARNING,
			    doctor_mend("modprobe -r grabber && modprobe grabber"),
			    "version %s is loaded, but %s is installed and waits for a reload%s",
			    version, file->version, about_users);
	else if (!same(srcversion, file->srcversion))
		doctor_tell(doctor, "loaded", "", DOCTOR_WARNING,
			    doctor_mend("modprobe -r grabber && modprobe grabber"),
			    "version %s is loaded, but was built from other sources than the one that is installed, which waits for a reload%s",
			    version, about_users);
	else if (file->path[0] && !file->version[0])
		doctor_tell(doctor, "loaded", "", DOCTOR_UNKNOWN, doctor_mend_modinfo(doctor),
			    "version %s is loaded; cannot tell whether that is the one installed: %s",
			    version, doctor_why_no_modinfo(doctor));
	else
		doctor_tell(doctor, "loaded", "", DOCTOR_OK, NULL, "version %s is loaded%s",
			    version[0] ? version : "(it does not tell which)",
			    file->path[0] ? ", as installed" : "");
}

void doctor_check_loaded(struct doctor *doctor)
{
	char state[16];
	int length;

	if (!doctor->sysfs) {
		doctor_tell(doctor, "loaded", "", DOCTOR_UNKNOWN, NULL,
			    "cannot tell: sysfs is not mounted");
		return;
	}
	length = root_read(state, sizeof(state), MODULE "/initstate");
	if (length == -ENOENT)
		tell_not_loaded(doctor);
	else if (length < 0)
		doctor_tell(doctor, "loaded", "", DOCTOR_UNKNOWN, NULL, "cannot tell: "
			    MODULE "/initstate: %s", doctor_why(doctor, length));
	else if (strcmp(state, "live"))
		doctor_tell(doctor, "loaded", "", DOCTOR_WRONG, doctor_mend("reboot"),
			    "the module is stuck while being %s; 'dmesg' tells why",
			    strcmp(state, "going") ? "loaded" : "unloaded");
	else
		tell_version(doctor);
}
