// SPDX-License-Identifier: GPL-2.0-only
/* The settings of cards: what the file says, and whether driver and udev find it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cardsfile.h"
#include "doctor.h"
#include "doctor_root.h"
#include "pcifunction.h"

#define LINES_MAX	10	/* that are told of */
#define RULES		"grabber-bind.rules"

/* Is a device there that a section of that name is about? */
static bool is_there(const char *name)
{
	struct pci_function function;
	const char *bus, *channel;
	bool found = false;
	size_t length;
	DIR *dir;

	channel = strcasestr(name, "-chan");
	length = channel ? (size_t)(channel - name) : strlen(name);
	dir = root_dir(PCI_BUS "/devices");
	while (dir && !found && (bus = root_next(dir))) {
		if (!pci_read(bus, &function))
			continue;
		found = (strlen(function.slot) == length &&
			 !strncasecmp(name, function.slot, length)) ||
			(function.serial[0] && strlen(function.serial) == length &&
			 !strncasecmp(name, function.serial, length));
	}
	if (dir)
		closedir(dir);
	return found;
}

static void check_section(struct doctor *doctor, unsigned int number, const char *name)
{
	if (!name[0])
		doctor_tell(doctor, "settings", "", DOCTOR_WARNING, NULL,
			    "line %u of %s: a section begins with its name in brackets, alone in its line",
			    number, CARDS_FILE);
	else if (!cards_is_section(name))
		doctor_tell(doctor, "settings", "", DOCTOR_WARNING, NULL,
			    "line %u of %s: [%.60s] is no card: write pci-0000:01:00.0, as 'ls /dev/grabber/by-path' shows it, or serial:01-23-45-67-89-ab-cd-ef",
			    number, CARDS_FILE, name);
	else if (!is_there(name))
		doctor_tell(doctor, "settings", "", DOCTOR_OK, NULL,
			    "line %u of %s: [%.60s] is about a card that is not there now", number,
			    CARDS_FILE, name);
}

/* Returns how many lines of the file are wrong; the first of them are told. */
static unsigned int check_lines(struct doctor *doctor, const struct cards_file *file)
{
	unsigned int number = 0, wrong = 0, sections = 0;
	char section[80] = "";
	struct cards_line line;
	bool outside = true;
	const char *why;

	for (size_t at = 0; cards_line(file, at, &line); at = line.end) {
		number++;
		if (line.kind == CARDS_SECTION) {
			snprintf(section, sizeof(section), "%.*s", (int)line.length, line.name);
			outside = false;
			if (++sections <= LINES_MAX)
				check_section(doctor, number, section);
			continue;
		}
		if (line.kind != CARDS_OTHER)
			continue;
		why = outside ? "no section begins before it: [pci-0000:01:00.0] or [serial:...]" :
			cards_wrong(section, file->text + line.start, line.end - line.start);
		if (why && ++wrong <= LINES_MAX)
			doctor_tell(doctor, "settings", "", DOCTOR_WARNING, NULL,
				    "line %u of %s: %s", number, CARDS_FILE, why);
	}
	return wrong;
}

static bool find_rules(void)
{
	static const char * const dirs[] = { "/etc/udev/rules.d", "/run/udev/rules.d",
					     "/usr/local/lib/udev/rules.d",
					     "/usr/lib/udev/rules.d", "/lib/udev/rules.d" };
	const char *name;
	bool found = false;
	DIR *dir;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !found; i++) {
		dir = root_dir("%s", dirs[i]);
		while (dir && !found && (name = root_next(dir)))
			found = strstr(name, RULES);
		if (dir)
			closedir(dir);
	}
	return found;
}

static bool binds(const struct cards_file *file)
{
	struct cards_line line;

	for (size_t at = 0; cards_line(file, at, &line); at = line.end)
		if (line.kind == CARDS_OTHER && cards_named(&line, "board"))
			return true;
	return false;
}

void doctor_check_settings(struct doctor *doctor)
{
	char *link = root_path("%s", CARDS_LINK);
	bool found = !access(link, F_OK);
	unsigned int told = doctor->told[DOCTOR_WARNING], wrong;
	struct cards_file file;

	free(link);
	if (root_look(CARDS_FILE) == -ENOENT)
		return;
	if (root_look(CARDS_FILE) || cards_load(&file)) {
		doctor_tell(doctor, "settings", "", DOCTOR_UNKNOWN, NULL, "cannot tell: %s: %s",
			    CARDS_FILE, doctor_why(doctor, -EACCES));
		return;
	}
	if (!found)
		doctor_tell(doctor, "settings", "", DOCTOR_WRONG,
			    doctor_mend("mkdir -p /lib/firmware/grabber && ln -s %s /lib/firmware/grabber/",
					CARDS_FILE),
			    "%s is there, but the driver does not find it, for %s is missing",
			    CARDS_FILE, CARDS_LINK);
	if (binds(&file) && !find_rules())
		doctor_tell(doctor, "settings", "", DOCTOR_WARNING,
			    doctor_install(doctor, "./grabber-tools_*.deb", "./grabber-tools-*.rpm"),
			    "%s has cards bound (board=), but udev has no rules that do so at boot",
			    CARDS_FILE);
	if (file.bytes > GRABBER_SETTINGS_BYTES) {
		doctor_tell(doctor, "settings", "", DOCTOR_WRONG, NULL,
			    "%s has more than %d bytes, and the driver takes none of it: make it shorter",
			    CARDS_FILE, GRABBER_SETTINGS_BYTES);
		cards_free(&file);
		return;
	}
	wrong = check_lines(doctor, &file);
	if (wrong > LINES_MAX)
		doctor_tell(doctor, "settings", "", DOCTOR_WARNING, NULL,
			    "and %u more lines of %s are wrong", wrong - LINES_MAX, CARDS_FILE);
	if (found && told == doctor->told[DOCTOR_WARNING])
		doctor_tell(doctor, "settings", "", DOCTOR_OK, NULL, "%s is sound, and the driver finds it",
			    CARDS_FILE);
	cards_free(&file);
}
