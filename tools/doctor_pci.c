// SPDX-License-Identifier: GPL-2.0-only
/* What the PCI bus is to a card: its link, and the IOMMU before it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_root.h"

#define DEVICES	"/sys/bus/pci/devices"
#define GROUPS	"/sys/kernel/iommu_groups"
#define TABLES	"/sys/firmware/acpi/tables"

/**
 * struct link - speed and width of a PCIe link
 * @speed: GT/s; 0 where it is not known
 */
struct link {
	double speed;
	unsigned int width;
};

/* @which is "current" or "max". Returns 0, or -errno. */
static int read_link(const char *bus, const char *which, struct link *link)
{
	char text[64];
	int length = root_read(text, sizeof(text), DEVICES "/%s/%s_link_speed", bus, which);

	if (length < 0)
		return length;
	link->speed = strtod(text, NULL);	/* of "8.0 GT/s PCIe", or "Unknown" */
	length = root_read(text, sizeof(text), DEVICES "/%s/%s_link_width", bus, which);
	if (length < 0)
		return length;
	link->width = strtoul(text, NULL, 10);
	return 0;
}

/* The PCI device above, "" where that is the root bus. */
static void port_above(const char *bus, char *port, size_t size)
{
	char target[PATH_MAX], *last, *above;

	port[0] = 0;
	if (root_link(target, sizeof(target), DEVICES "/%s", bus))
		return;
	last = strrchr(target, '/');
	if (!last)
		return;
	*last = 0;
	above = strrchr(target, '/');
	if (above && strncmp(above + 1, "pci", 3))
		snprintf(port, size, "%s", above + 1);
}

static void tell_link(struct doctor *doctor, const char *bus, const struct link *now,
		      const struct link *card, const struct link *slot)
{
	struct link best = *card;

	if (slot->speed > 0 && slot->speed < best.speed)
		best.speed = slot->speed;
	if (slot->width && slot->width < best.width)
		best.width = slot->width;

	if (now->speed < best.speed || now->width < best.width)
		doctor_tell(doctor, "link", bus, DOCTOR_WARNING, NULL,
			    "runs at %g GT/s x%u, but card and slot can do %g GT/s x%u: switch the machine off, seat the card anew, clean its contacts, do without a riser",
			    now->speed, now->width, best.speed, best.width);
	else if (best.speed < card->speed || best.width < card->width)
		doctor_tell(doctor, "link", bus, DOCTOR_OK, NULL,
			    "%g GT/s x%u, all that the slot can do; the card can do %g GT/s x%u, so if frames are lost, try another slot",
			    now->speed, now->width, card->speed, card->width);
	else
		doctor_tell(doctor, "link", bus, DOCTOR_OK, NULL,
			    "%g GT/s x%u, all that the card can do", now->speed, now->width);
}

void doctor_check_link(struct doctor *doctor, const char *bus)
{
	struct link now, card, slot = { 0 };
	char port[64];
	int error = read_link(bus, "current", &now);

	if (!error)
		error = read_link(bus, "max", &card);
	if (error == -ENOENT) {
		doctor_tell(doctor, "link", bus, DOCTOR_OK, NULL,
			    "none: the card is not PCI Express");
		return;
	}
	if (error) {
		doctor_tell(doctor, "link", bus, DOCTOR_UNKNOWN, NULL, "cannot tell: %s",
			    doctor_why(doctor, error));
		return;
	}
	port_above(bus, port, sizeof(port));
	if (port[0])
		read_link(port, "max", &slot);
	/* Bits of a card that does not answer are all ones: a width of 63. */
	if (!now.width || now.width > 32)
		doctor_tell(doctor, "link", bus, DOCTOR_WRONG,
			    doctor_mend("echo 1 >" DEVICES "/%s/remove; echo 1 >/sys/bus/pci/rescan",
					bus),
			    "the link is down: the card does not answer; if it stays so, switch the machine off, seat the card anew");
	else if (now.speed <= 0 || card.speed <= 0)
		doctor_tell(doctor, "link", bus, DOCTOR_UNKNOWN, NULL,
			    "cannot tell: the kernel does not know the speed (width x%u)", now.width);
	else
		tell_link(doctor, bus, &now, &card, &slot);
}

static bool any_group(void)
{
	DIR *dir = root_dir(GROUPS);
	bool any = dir && root_next(dir);

	if (dir)
		closedir(dir);
	return any;
}

/* The command that turns the IOMMU on at the next boot. */
static char *mend_iommu(const struct doctor *doctor, const char *word)
{
	if (doctor->system == SYSTEM_FEDORA)
		return doctor_mend("grubby --update-kernel=ALL --args=%s && reboot", word);
	if (doctor->system == SYSTEM_DEBIAN && !root_look("/etc/default/grub"))
		return doctor_mend("sed -i \"s/^GRUB_CMDLINE_LINUX=./&%s /\" /etc/default/grub && update-grub && reboot",
				   word);
	return NULL;
}

static void tell_no_iommu(struct doctor *doctor, const char *bus)
{
	static const char danger[] =
		"whoever may open /dev/grabberN-bar can make the card write to any memory";
	bool intel = !root_look(TABLES "/DMAR"), amd = !root_look(TABLES "/IVRS");
	const char *word = amd ? "amd_iommu=on" : "intel_iommu=on";
	char *mend;

	if (intel || amd) {
		mend = mend_iommu(doctor, word);
		doctor_tell(doctor, "iommu", bus, DOCTOR_WARNING, mend,
			    "the machine has an IOMMU, but the kernel does not use it, so %s%s%s",
			    danger, mend ? "" : "; it wants this on the kernel's command line: ",
			    mend ? "" : word);
	} else {
		doctor_tell(doctor, "iommu", bus, DOCTOR_WARNING, NULL,
			    "none, so %s; where the firmware's setup has VT-d or AMD-Vi, switch it on there",
			    danger);
	}
}

/* @bus is "" where there is no card. */
void doctor_check_iommu(struct doctor *doctor, const char *bus)
{
	char group[32] = "", type[32];
	int length;

	if (bus[0])
		root_link_name(group, sizeof(group), DEVICES "/%s/iommu_group", bus);
	if (!any_group()) {
		tell_no_iommu(doctor, bus);
	} else if (!bus[0]) {
		doctor_tell(doctor, "iommu", bus, DOCTOR_OK, NULL, "on");
	} else if (!group[0]) {
		doctor_tell(doctor, "iommu", bus, DOCTOR_WARNING, NULL,
			    "on, but not before this card, which can reach any memory");
	} else {
		length = root_read(type, sizeof(type), GROUPS "/%s/type", group);
		if (length == -ENOENT)
			doctor_tell(doctor, "iommu", bus, DOCTOR_OK, NULL, "on, group %s", group);
		else if (length < 0)
			doctor_tell(doctor, "iommu", bus, DOCTOR_UNKNOWN, NULL,
				    "cannot tell: " GROUPS "/%s/type: %s", group,
				    doctor_why(doctor, length));
		else if (!strcmp(type, "identity"))
			doctor_tell(doctor, "iommu", bus, DOCTOR_WARNING, NULL,
				    "on, but lets this card (group %s) reach any memory: take iommu=pt or iommu.passthrough=1 from the kernel's command line",
				    group);
		else
			doctor_tell(doctor, "iommu", bus, DOCTOR_OK, NULL,
				    "on, group %s, type %s", group, type);
	}
}
