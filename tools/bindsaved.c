// SPDX-License-Identifier: GPL-2.0-only
/* Cards that were bound for good: what cards.conf says of them, and how udev has it done. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "cardsfile.h"
#include "doctor_root.h"
#include "say.h"

/* The section that is there already, else that of the slot. */
static const char *section_of(const struct cards_file *file, const struct pci_function *function)
{
	return function->serial[0] && cards_has_section(file, function->serial) ?
		function->serial : function->slot;
}

/* A section of one channel counts before that of the card. */
static void warn_of_nearer(const struct cards_file *file, const struct pci_function *function)
{
	struct grabber_settings_of *settings = cards_settings(file, function->slot, function->serial);

	for (int i = 0; i < GRABBER_SETTINGS_CHANNELS; i++) {
		const struct grabber_settings *of = &settings->channel[i];

		if (grabber_is_set(of, GRABBER_SET_FRAMING) &&
		    of->near[GRABBER_SET_FRAMING] >= GRABBER_NEAR_SLOT_CHANNEL)
			say("channel %d has the framing= of line %u of %s from the next time on, which counts before what was saved now",
			    i, of->line[GRABBER_SET_FRAMING], CARDS_FILE);
	}
	free(settings);
}

int bind_save(const struct pci_function *function, const char *board, const char *framing)
{
	struct cards_file file;
	const char *section;
	int error;

	if (cards_load_to_change(&file))
		return -1;
	section = section_of(&file, function);
	cards_change(&file, section, "board", board);
	cards_change(&file, section, "id", function->id[0] ? function->id : NULL);
	if (framing)
		cards_change(&file, section, "framing", framing);
	error = cards_save(&file);
	if (!error && framing)
		warn_of_nearer(&file, function);
	cards_free(&file);
	if (!error)
		cards_warn_of_link();
	return error;
}

int bind_forget(const struct pci_function *function)
{
	const char * const sections[] = { function->slot, function->serial };
	struct cards_file file;
	size_t before;
	int result = 0;

	if (cards_load_to_change(&file))
		return -1;
	before = file.bytes;
	for (size_t i = 0; i < 2 && sections[i][0]; i++) {
		cards_change(&file, sections[i], "board", NULL);
		cards_change(&file, sections[i], "id", NULL);
		cards_change(&file, sections[i], "framing", NULL);
	}
	if (file.bytes != before)
		result = cards_save(&file) ? -1 : 1;
	cards_free(&file);
	return result;
}

/* Is it the card that the file means? Numbers of PCI buses move. */
static bool is_it(const struct pci_function *function, const struct grabber_settings *settings)
{
	char id[16];

	/* An id is that of the section that has the board. */
	if (!grabber_is_set(settings, GRABBER_SET_ID) ||
	    settings->near[GRABBER_SET_ID] != settings->near[GRABBER_SET_BOARD])
		return true;
	snprintf(id, sizeof(id), "%04" PRIx32 ":%04" PRIx32, settings->number[GRABBER_SET_ID] >> 16,
		 settings->number[GRABBER_SET_ID] & 0xffff);
	if (!strcmp(id, function->id))
		return true;
	say("%s is %s now, and line %u of %s means a card that is %s: it is left alone; 'grabberctl bind' says it anew",
	    function->bus, function->id, settings->line[GRABBER_SET_ID], CARDS_FILE, id);
	return false;
}

/* Shall grabber have it, and may it? */
static bool is_saved(const struct pci_function *function)
{
	struct grabber_settings_of *settings;
	struct cards_file file;
	const char *what;
	bool wanted;

	/* Whoever says driver_override meanwhile, for a virtual machine say, means it. */
	if (!strcmp(function->driver, "grabber") ||
	    (function->override[0] && strcmp(function->override, "grabber")) || cards_load(&file))
		return false;
	settings = cards_settings(&file, function->slot, function->serial);
	wanted = grabber_is_set(&settings->channel[0], GRABBER_SET_BOARD) &&
		 is_it(function, &settings->channel[0]);
	free(settings);
	cards_free(&file);
	if (!wanted || bind_impossible(function))
		return false;
	what = bind_precious(function);
	if (what)
		say("%s is %s: grabber does not take it at boot, whatever %s says", function->bus, what,
		    CARDS_FILE);
	return !what;
}

/*
 * When the device appears, before udev has modules loaded: no other driver shall be first. One
 * that has it already keeps it until grabber is there.
 */
int bind_ready(const struct pci_function *function)
{
	if (!is_saved(function))
		return EXIT_FAILED;
	if (!function->driver[0] && bind_override(function->bus, "grabber"))
		return EXIT_FAILED;
	printf("GRABBER_BIND=1\n");
	return EXIT_SUCCESS;
}

/* When udev has had grabber loaded. Where that does not take it, whoever else would may. */
int bind_take_saved(const struct pci_function *function)
{
	struct pci_function before = *function;
	int error = -ENODEV;

	if (!strcmp(function->driver, "grabber"))
		return EXIT_SUCCESS;
	if (!is_saved(function))
		return EXIT_FAILED;
	before.override[0] = 0;
	if (root_look(PCI_GRABBER)) {
		say("%s is not bound, as %s says: the grabber module is not loaded; 'grabberctl doctor' tells why",
		    function->bus, CARDS_FILE);
		if (function->override[0])
			bind_override(function->bus, "");
	} else {
		error = bind_move(&before, "", "");
	}
	if (!error)
		return EXIT_SUCCESS;
	if (error != -ETIMEDOUT)
		bind_probe_again(function->bus);
	return EXIT_FAILED;
}
