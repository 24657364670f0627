// SPDX-License-Identifier: GPL-2.0-only
/* The verb "set" without settings: those that a card has, and where they come from. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "doctor_root.h"
#include "fourcc.h"
#include "say.h"
#include "set.h"
#include "sysfs.h"
#include "textfile.h"

#define PARAMETERS	"/sys/module/grabber/parameters"

/* What is in force, by sysfs; "" where that does not tell. */
static void in_force(unsigned int card, enum grabber_setting setting, char *text, size_t size)
{
	static const char * const files[GRABBER_SETTINGS] = {
		"board", "framing", NULL, "slots", "slot_size", NULL, "name", NULL,
	};
	char path[PATH_MAX];

	text[0] = 0;
	if (!files[setting])
		return;
	snprintf(path, sizeof(path), "%s/grabber%u/%s", GRABBER_CLASS_DIR, card, files[setting]);
	textfile_read(path, text, size);
}

static void show_format(unsigned int card, char *text, size_t size)
{
	char fourcc[FOURCC_TEXT];
	struct sysfs_card sysfs;

	text[0] = 0;
	if (!sysfs_card(card, &sysfs))
		snprintf(text, size, "%" PRIu32 "x%" PRIu32 ":%s, %" PRIu32 " bytes",
			 sysfs.format.width, sysfs.format.height,
			 fourcc_text(sysfs.format.pixelformat, fourcc), sysfs.format.sizeimage);
}

/* Where a value comes from that the file says nothing of. */
static const char *origin(enum grabber_setting setting)
{
	static const char * const defaults[GRABBER_SETTINGS] = {
		NULL, "", "-1", "0", "1048576", NULL, NULL,
	};
	char text[64];

	if (!defaults[setting] ||
	    root_read(text, sizeof(text), PARAMETERS "/%s", grabber_setting_names[setting]) < 0 ||
	    !strcmp(text, defaults[setting]))
		return "";
	return "by the module's parameter, or set since";
}

static void show(unsigned int card, const struct set_target *target, const struct cards_file *file)
{
	struct grabber_settings_of *settings = cards_settings(file, target->function.slot,
							      target->function.serial);
	struct sysfs_card sysfs = { 0 };
	char text[96], line[64];

	sysfs_card(card, &sysfs);
	printf("Settings of grabber%u (%s)\n", card, target->function.bus);
	for (int i = 0; i < GRABBER_SETTINGS; i++) {
		const struct grabber_settings *of =
			&settings->channel[sysfs.channel % GRABBER_SETTINGS_CHANNELS];

		if (i == GRABBER_SET_FORMAT)
			show_format(card, text, sizeof(text));
		else
			in_force(card, i, text, sizeof(text));
		if (i == GRABBER_SET_BAR && grabber_is_set(of, i))
			snprintf(text, sizeof(text), "%" PRIu32, of->number[i]);
		else if (i == GRABBER_SET_ID)
			snprintf(text, sizeof(text), "%s", target->function.id);
		snprintf(line, sizeof(line), "line %u of %s", of->line[i], CARDS_FILE);
		printf("  %-10s %-32s %s\n", grabber_setting_names[i], text[0] ? text : "-",
		       grabber_is_set(of, i) ? line : origin(i));
	}
	free(settings);
}

int set_show(const struct set_target *target)
{
	struct cards_file file;

	if (!target->count) {
		say("%s is no card of grabber's now; 'grabberctl list' shows those there are",
		    target->function.bus[0] ? target->function.bus : target->section);
		return EXIT_FAILED;
	}
	if (cards_load(&file))
		return EXIT_FAILED;
	for (int i = 0; i < target->count; i++)
		show(target->cards[i], target, &file);
	cards_free(&file);
	return EXIT_SUCCESS;
}
