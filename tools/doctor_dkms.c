// SPDX-License-Identifier: GPL-2.0-only
/* What DKMS made of grabber's sources, by the tree that it keeps. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_root.h"

#define TREE	"/var/lib/dkms/grabber"

enum dkms_state {
	DKMS_NOTHING,	/* it has no sources of grabber */
	DKMS_LOST,	/* it had, but they are gone */
	DKMS_ADDED,
	DKMS_FAILED,
	DKMS_BUILT,
	DKMS_INSTALLED,
};

/**
 * struct dkms - what it did for one kernel
 * @state: of the newest version
 * @error: -errno where its tree cannot be read
 * @version: the newest
 * @installed: the one that is installed for the kernel, "" for none
 */
struct dkms {
	enum dkms_state state;
	int error;
	char version[64];
	char installed[64];
};

/* The link to what is installed for a kernel is kernel-RELEASE-ARCHITECTURE. */
static bool is_installed_link(const char *name, const char *release)
{
	static const char prefix[] = "kernel-";
	size_t length = strlen(release);

	if (strncmp(name, prefix, strlen(prefix)))
		return false;
	name += strlen(prefix);
	return !strncmp(name, release, length) && name[length] == '-' &&
	       !strchr(name + length + 1, '-');
}

static void find_versions(struct dkms *dkms, const char *release)
{
	DIR *dir = root_dir(TREE);
	char target[PATH_MAX];
	const char *name;

	if (!dir && errno != ENOENT)
		dkms->error = -errno;
	while (dir && (name = root_next(dir))) {
		if (is_installed_link(name, release)) {
			root_link(target, sizeof(target), TREE "/%s", name);
			snprintf(dkms->installed, sizeof(dkms->installed), "%.*s",
				 (int)strcspn(target, "/"), target);
		} else if (!root_look(TREE "/%s/source", name) &&
			   strverscmp(name, dkms->version) > 0) {
			snprintf(dkms->version, sizeof(dkms->version), "%s", name);
		}
	}
	if (dir)
		closedir(dir);
	if (!dkms->version[0])
		memcpy(dkms->version, dkms->installed, sizeof(dkms->version));
}

static bool sources_there(const char *version)
{
	char target[PATH_MAX];

	if (root_link(target, sizeof(target), TREE "/%s/source", version))
		return !root_look(TREE "/%s/source/dkms.conf", version);
	return !root_look("%s/dkms.conf", target);
}

/* RELEASE/ARCHITECTURE/module is there once the build is done. */
static bool is_built(const char *version, const char *release)
{
	DIR *dir = root_dir(TREE "/%s/%s", version, release);
	bool built = false;
	const char *arch;

	while (dir && (arch = root_next(dir)))
		built |= !root_look(TREE "/%s/%s/%s/module", version, release, arch);
	if (dir)
		closedir(dir);
	return built;
}

/* The log of a build that failed stays, until another one is tried. */
static bool has_failed(const char *version, const char *release)
{
	char text[256], wanted[160];

	if (root_look(TREE "/%s/build/make.log", version))
		return false;
	/* Its heading names the kernel; where that may not be read, it is this one. */
	root_read(text, sizeof(text), TREE "/%s/build/make.log", version);
	snprintf(wanted, sizeof(wanted), "for kernel %s ", release);
	return !strstr(text, "for kernel ") || strstr(text, wanted);
}

static void look(struct dkms *dkms, const char *release)
{
	memset(dkms, 0, sizeof(*dkms));
	find_versions(dkms, release);
	if (!dkms->version[0])
		dkms->state = DKMS_NOTHING;
	else if (!strcmp(dkms->version, dkms->installed))
		dkms->state = DKMS_INSTALLED;
	else if (is_built(dkms->version, release))
		dkms->state = DKMS_BUILT;
	else if (!sources_there(dkms->version))
		dkms->state = DKMS_LOST;
	else if (has_failed(dkms->version, release))
		dkms->state = DKMS_FAILED;
	else
		dkms->state = DKMS_ADDED;
}

char *doctor_mend_module(const struct doctor *doctor, const char *release)
{
	struct dkms dkms;

	look(&dkms, release);
	if (dkms.state > DKMS_LOST)
		return doctor_mend("dkms install --force grabber/%s -k %s", dkms.version, release);
	return doctor_install(doctor, "./grabber-dkms_*.deb", "./grabber-dkms-*.rpm");
}

char *doctor_mend_signature(const struct doctor *doctor, bool have_key)
{
	struct dkms dkms;

	look(&dkms, doctor->release);
	if (dkms.state <= DKMS_LOST)
		return NULL;
	return doctor_mend("%sdkms build --force grabber/%s -k %s && dkms install --force grabber/%s -k %s",
			   have_key ? "" : "dkms generate_mok && ", dkms.version, doctor->release,
			   dkms.version, doctor->release);
}

/* Of make, of compilers, of modpost; and what our own driver/dkms/build tells. */
static bool is_error(const char *line)
{
	return strcasestr(line, "error:") || strstr(line, "Error ") || strstr(line, "undefined!") ||
	       strcasestr(line, "not found") || !strncmp(line, "grabber: ", strlen("grabber: "));
}

/* The first line of a build's log that tells of an error, with nothing odd in it. */
static void first_error(const char *version, char *text, size_t size)
{
	FILE *file = root_open(TREE "/%s/build/make.log", version);
	char line[1024], *from = line;

	text[0] = 0;
	while (file && !text[0] && fgets(line, sizeof(line), file)) {
		if (!is_error(line))
			continue;
		line[strcspn(line, "\n")] = 0;
		for (char *c = line; *c; c++)
			if (!isascii(*c) || !isprint((unsigned char)*c))
				*c = '?';
		/* Of the file's path only the end, which is the same on all machines */
		if (strstr(line, "/build/"))
			from = strstr(line, "/build/") + strlen("/build/");
		snprintf(text, size, "%.*s", (int)size - 1, from);
	}
	if (file)
		fclose(file);
	else if (errno == EACCES)
		snprintf(text, size, "run as root to see why");
	if (!text[0])
		snprintf(text, size, "no error is told");
}

/* The newest version is not installed; an older one may be, and serve. */
static void tell_not_installed(struct doctor *doctor, const struct dkms *dkms)
{
	char what[512], error[256];

	if (dkms->state == DKMS_FAILED) {
		first_error(dkms->version, error, sizeof(error));
		snprintf(what, sizeof(what), "DKMS could not build grabber %s: %s (all of it in " TREE "/%s/build/make.log)",
			 dkms->version, error, dkms->version);
	} else if (dkms->state == DKMS_BUILT) {
		snprintf(what, sizeof(what), "DKMS has built grabber %s for this kernel, but not installed it",
			 dkms->version);
	} else {
		snprintf(what, sizeof(what), "DKMS has grabber %s, but did not build it for this kernel",
			 dkms->version);
	}
	doctor_tell(doctor, "dkms", doctor->release,
		    dkms->installed[0] ? DOCTOR_WARNING : DOCTOR_WRONG,
		    doctor_mend_module(doctor, doctor->release), "%s%s%s%s", what,
		    dkms->installed[0] ? "; still installed is " : "", dkms->installed,
		    dkms->state == DKMS_FAILED ? "; when the cause is gone" : "");
}

static void tell_no_tree(struct doctor *doctor, const struct dkms *dkms)
{
	bool works = doctor->loaded || doctor->file.path[0];
	char path[PATH_MAX];

	if (dkms->error)
		doctor_tell(doctor, "dkms", "", DOCTOR_UNKNOWN, NULL, "cannot tell: " TREE ": %s",
			    doctor_why(doctor, dkms->error));
	else if (!root_program("dkms", path, sizeof(path)))
		doctor_tell(doctor, "dkms", "", works ? DOCTOR_WARNING : DOCTOR_WRONG,
			    doctor_install(doctor, "dkms", "dkms"),
			    "DKMS is not installed, so nothing builds the module for new kernels");
	else
		doctor_tell(doctor, "dkms", "", works ? DOCTOR_WARNING : DOCTOR_WRONG,
			    doctor_mend_module(doctor, doctor->release),
			    "DKMS does not have grabber, so nothing builds it for new kernels: the package grabber-dkms is missing");
}

void doctor_check_dkms(struct doctor *doctor)
{
	const char *release = doctor->release;
	struct dkms dkms;

	look(&dkms, release);
	switch (dkms.state) {
	case DKMS_NOTHING:
		tell_no_tree(doctor, &dkms);
		break;
	case DKMS_LOST:
		doctor_tell(doctor, "dkms", release, DOCTOR_WRONG,
			    doctor_mend("dkms remove grabber/%s --all", dkms.version),
			    "the sources of grabber %s are gone from /usr/src, though DKMS still knows of them; afterwards install the package grabber-dkms again",
			    dkms.version);
		break;
	case DKMS_ADDED:
	case DKMS_FAILED:
	case DKMS_BUILT:
		tell_not_installed(doctor, &dkms);
		break;
	case DKMS_INSTALLED:
		doctor_tell(doctor, "dkms", release, DOCTOR_OK, NULL,
			    "DKMS has installed grabber %s", dkms.version);
		break;
	}
}
