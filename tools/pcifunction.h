/* SPDX-License-Identifier: GPL-2.0-only */
/* A function on the PCI bus: what sysfs tells of it, and who drives it. */
#ifndef GRABBERCTL_PCIFUNCTION_H
#define GRABBERCTL_PCIFUNCTION_H

#include <stdbool.h>
#include <stddef.h>

#define PCI_BUS		"/sys/bus/pci"
#define PCI_GRABBER	PCI_BUS "/drivers/grabber"

/* Seconds that a driver has to let go; the tests have no such patience. */
#ifndef PCI_PATIENCE
#define PCI_PATIENCE	30
#endif

/**
 * struct pci_function - what there is
 * @bus: "0000:01:00.0"
 * @slot: name of its section in cards.conf, "pci-0000:01:00.0"
 * @serial: the same by serial number, "serial:01-23-...", "" where it has none
 * @id: vendor and device, "10ee:7024"; "" where sysfs does not tell
 * @driver: "" for none
 * @override: who alone may drive it, "" for anybody
 * @class: its class, subclass and interface
 * @virtual_function: it is one of SR-IOV
 * @virtual_functions: of these it has made so many
 */
struct pci_function {
	char bus[32];
	char slot[40];
	char serial[40];
	char id[16];
	char driver[64];
	char override[64];
	unsigned int class;
	bool virtual_function;
	unsigned int virtual_functions;
};

/* "01:00.0" as sysfs has it. Returns false where it is no such address. */
bool pci_address(const char *name, char *bus, size_t size);

/*
 * By its name in sysfs, without @override and @virtual_functions: reading those waits for a
 * driver that lets go. Returns false where it is not there.
 */
bool pci_read(const char *bus, struct pci_function *function);

/* By what a person wrote, and all of it. Returns 0, or -1 after saying why there is none. */
int pci_look(const char *name, struct pci_function *function);

/* Its driver now, "" for none. */
void pci_driver(const char *bus, char *driver, size_t size);

/* Name of the frame node of its lowest channel, "" where grabber has made none. */
void pci_node(const char *bus, char *node, size_t size);

/* Say that its driver has not let go of it for so long, and how to go on. */
void pci_say_hangs(const char *bus);

/* Write to a file of sysfs. Returns 0, or -errno. */
int pci_write(const char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same, but wait no longer than that: -ETIMEDOUT then, and it goes on behind us. */
int pci_write_within(unsigned int seconds, const char *text, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
