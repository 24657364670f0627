// SPDX-License-Identifier: GPL-2.0-only
/* The cards on the PCI bus, and who drives them. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "doctor.h"
#include "doctor_root.h"
#include "sysfs.h"

#define PCI	"/sys/bus/pci"

/*
 * The ids that the driver of our own version knows, from its source. The module that is
 * installed may know more, or be missing.
 */
static const struct {
	unsigned int vendor;
	unsigned int device;
	const char *board;
} known[] = {
#include "doctor_ids.inc"
};

/**
 * struct pci_card - what sysfs tells of a PCI device
 * @driver: "" for none
 * @id: "10ee:7024"
 */
struct pci_card {
	const char *bus;
	char driver[64];
	char id[16];
};

static const char *known_board(unsigned int vendor, unsigned int device)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].vendor == vendor && known[i].device == device)
			return known[i].board;
	return NULL;
}

/* By what the installed module says it serves. */
static bool has_alias(const char *release, const char *modalias)
{
	FILE *file = root_open("/lib/modules/%s/modules.alias", release);
	char line[512], pattern[256], module[64];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "alias %255s %63s", pattern, module) == 2 &&
			!strcmp(module, "grabber") && !fnmatch(pattern, modalias, 0);
	if (file)
		fclose(file);
	return found;
}

/* Is that device grabber's, or should it be? */
static bool look_at_card(struct doctor *doctor, struct pci_card *card)
{
	char text[16], override[32], modalias[256];
	unsigned int vendor, device;

	root_link_name(card->driver, sizeof(card->driver), PCI "/devices/%s/driver", card->bus);
	root_read(text, sizeof(text), PCI "/devices/%s/vendor", card->bus);
	vendor = strtoul(text, NULL, 16);
	root_read(text, sizeof(text), PCI "/devices/%s/device", card->bus);
	device = strtoul(text, NULL, 16);
	snprintf(card->id, sizeof(card->id), "%04x:%04x", vendor & 0xffff, device & 0xffff);
	root_read(override, sizeof(override), PCI "/devices/%s/driver_override", card->bus);
	root_read(modalias, sizeof(modalias), PCI "/devices/%s/modalias", card->bus);
	return !strcmp(card->driver, "grabber") || !strcmp(override, "grabber") ||
	       known_board(vendor, device) || has_alias(doctor->release, modalias);
}

/* Number of the card that grabber made of the device, or -1. */
static int card_number(const char *bus)
{
	unsigned int *cards;
	int count = device_all(&cards), number = -1;
	char other[64];

	for (int i = 0; i < count && number < 0; i++) {
		device_bus(cards[i], other, sizeof(other));
		if (!strcmp(bus, other))
			number = cards[i];
	}
	free(cards);
	return number;
}

static void tell_bound(struct doctor *doctor, const struct pci_card *card)
{
	int number = card_number(card->bus);
	struct sysfs_card sysfs;

	if (number < 0)
		doctor_tell(doctor, "card", card->bus, DOCTOR_WRONG,
			    doctor_mend("modprobe -r grabber && modprobe grabber"),
			    "grabber has the card (%s), but made no nodes for it; 'dmesg | grep grabber' tells why",
			    card->id);
	else if (sysfs_card(number, &sysfs))
		doctor_tell(doctor, "card", card->bus, DOCTOR_OK, NULL,
			    "grabber%d (%s)", number, card->id);
	else if (!strcmp(sysfs.state, "gone"))
		doctor_tell(doctor, "card", card->bus, DOCTOR_WRONG,
			    doctor_mend("echo 1 >" PCI "/devices/%s/remove; echo 1 >" PCI "/rescan",
					card->bus),
			    "grabber%d (%s) has stopped answering: it lost power or its link, or its firmware hangs; if it stays so, switch the machine off and on",
			    number, card->id);
	else
		doctor_tell(doctor, "card", card->bus, DOCTOR_OK, NULL,
			    "grabber%d (%s), board %s, %s", number, card->id, sysfs.board,
			    sysfs.state);
}

static void tell_foreign(struct doctor *doctor, const struct pci_card *card)
{
	doctor_tell(doctor, "card", card->bus, DOCTOR_WRONG,
		    doctor_mend("echo %s >" PCI "/devices/%s/driver/unbind; echo grabber >" PCI "/devices/%s/driver_override; echo %s >" PCI "/drivers_probe",
				card->bus, card->bus, card->bus, card->bus),
		    "the card (%s) is there, but the driver '%s' has it%s; if that is not meant",
		    card->id, card->driver,
		    strcmp(card->driver, "vfio-pci") ? "" : ", for a virtual machine or a program");
}

static void tell_free(struct doctor *doctor, const struct pci_card *card)
{
	char override[64];

	root_read(override, sizeof(override), PCI "/devices/%s/driver_override", card->bus);
	if (!doctor->loaded)
		doctor_tell(doctor, "card", card->bus, DOCTOR_WRONG, NULL,
			    "the card (%s) is there, but the module is not loaded: see the line 'loaded'",
			    card->id);
	else if (override[0] && strcmp(override, "(null)") && strcmp(override, "grabber"))
		doctor_tell(doctor, "card", card->bus, DOCTOR_WRONG,
			    doctor_mend("echo grabber >" PCI "/devices/%s/driver_override; echo %s >" PCI "/drivers_probe",
					card->bus, card->bus),
			    "the card (%s) is kept for the driver '%s' (driver_override), and no driver has it",
			    card->id, override);
	else
		doctor_tell(doctor, "card", card->bus, DOCTOR_WRONG,
			    doctor_mend("echo %s >" PCI "/drivers_probe", card->bus),
			    "the card (%s) is there, but no driver has it: grabber left it alone, and 'dmesg | grep %s' tells why; when the cause is gone",
			    card->id, card->bus);
}

static void check_card(struct doctor *doctor, const struct pci_card *card)
{
	if (!strcmp(card->driver, "grabber"))
		tell_bound(doctor, card);
	else if (card->driver[0])
		tell_foreign(doctor, card);
	else
		tell_free(doctor, card);
	doctor_check_link(doctor, card->bus);
	doctor_check_iommu(doctor, card->bus);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Calls @seen, if not NULL, for each card. Returns how many there are, or -errno. */
static int each_card(struct doctor *doctor,
		     void (*seen)(struct doctor *doctor, const struct pci_card *card))
{
	char *path = root_path(PCI "/devices");
	struct dirent **devices;
	struct pci_card card;
	int count, found = 0;

	count = scandir(path, &devices, not_hidden, compare_names);
	if (count < 0)
		found = -errno;
	free(path);
	for (int i = 0; i < count; i++) {
		card.bus = devices[i]->d_name;
		if (look_at_card(doctor, &card)) {
			found++;
			if (seen)
				seen(doctor, &card);
		}
		free(devices[i]);
	}
	if (count >= 0)
		free(devices);
	return found;
}

void doctor_look_at_cards(struct doctor *doctor)
{
	doctor->has_card = each_card(doctor, NULL) > 0;
}

void doctor_check_cards(struct doctor *doctor)
{
	int count = each_card(doctor, check_card);

	if (count > 0)
		return;
	if (!count)
		doctor_tell(doctor, "card", "", DOCTOR_WARNING,
			    doctor_mend("echo 1 >" PCI "/rescan"),
			    "no card that grabber knows is on the PCI bus (see 'lspci -nn'): is it seated and powered? A card of no known family must be bound by hand");
	else if (count == -ENOENT)
		doctor_tell(doctor, "card", "", DOCTOR_WARNING, NULL,
			    "no card, for the kernel shows no PCI bus");
	else
		doctor_tell(doctor, "card", "", DOCTOR_UNKNOWN, NULL,
			    "cannot tell: " PCI "/devices: %s", doctor_why(doctor, count));
	doctor_check_iommu(doctor, "");
}
