// SPDX-License-Identifier: GPL-2.0-only
/* A card goes from one driver to another, or stays where it was. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "cardsfile.h"
#include "device.h"
#include "doctor_root.h"
#include "kernellog.h"
#include "say.h"
#include "sysfs.h"

#define DEVICES		PCI_BUS "/devices"

int bind_begin(struct bind_guard *guard)
{
	sigset_t set;

	guard->lock = cards_lock();
	if (guard->lock < 0)
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, &guard->signals);
	return 0;
}

void bind_end(struct bind_guard *guard)
{
	fflush(stdout);
	cards_unlock(guard->lock);
	sigprocmask(SIG_SETMASK, &guard->signals, NULL);
}

bool bind_in_use(const struct pci_function *function)
{
	unsigned int *cards, readers = 0;
	int count = device_all(&cards);
	struct sysfs_card sysfs;
	char bus[64];

	for (int i = 0; i < count; i++) {
		device_bus(cards[i], bus, sizeof(bus));
		if (!strcmp(bus, function->bus) && !sysfs_card(cards[i], &sysfs))
			readers += sysfs.stats.readers;
	}
	free(cards);
	if (readers)
		say("%s is in use: programs have its nodes open, %u time%s; end them first",
		    function->bus, readers, plural(readers));
	return readers;
}

int bind_override(const char *bus, const char *text)
{
	int error = pci_write_within(PCI_PATIENCE, text[0] ? text : "\n",
				     DEVICES "/%s/driver_override", bus);

	/* It takes the lock of the device, which a driver that is to let go has. */
	if (error == -ETIMEDOUT)
		pci_say_hangs(bus);
	else if (error)
		say("the driver_override of %s cannot be set: %s", bus, strerror(-error));
	return error;
}

int bind_release(const char *bus, const char *driver)
{
	int error = pci_write_within(PCI_PATIENCE, bus, PCI_BUS "/drivers/%s/unbind", driver);

	/* Somebody else had it let go. */
	if (error == -ENODEV)
		return 0;
	if (error == -ETIMEDOUT)
		pci_say_hangs(bus);
	else if (error)
		say("the driver '%s' cannot be taken from %s: %s", driver, bus, strerror(-error));
	return error;
}

void bind_probe_again(const char *bus)
{
	char driver[64];

	pci_driver(bus, driver, sizeof(driver));
	if (!driver[0])
		pci_write(bus, PCI_BUS "/drivers_probe");
}

/* As it was found. */
static void restore(const struct pci_function *function)
{
	char driver[64];

	if (bind_override(function->bus, function->override))
		return;
	pci_driver(function->bus, driver, sizeof(driver));
	if (!function->driver[0] || driver[0])
		return;
	if (pci_write(function->bus, PCI_BUS "/drivers/%s/bind", function->driver))
		say("and the driver '%s' did not take %s again: see 'dmesg'", function->driver,
		    function->bus);
}

static int load_module(void)
{
	char text[256];

	if (!root_look(PCI_GRABBER))
		return 0;
	root_run(text, sizeof(text), "modprobe", "grabber", NULL);
	if (!root_look(PCI_GRABBER))
		return 0;
	say("the grabber module is not loaded, and 'modprobe grabber' does not load it; 'grabberctl doctor' tells why");
	return -1;
}

/* From now on none but grabber can take it; and who has it lets go. */
static int make_free(const struct pci_function *function)
{
	char driver[64];
	int error = bind_override(function->bus, "grabber");

	if (error)
		return error;
	pci_driver(function->bus, driver, sizeof(driver));
	if (!driver[0])
		return 0;
	if (strcmp(driver, function->driver) && strcmp(driver, "grabber")) {
		say("the driver '%s' took %s just now: try again", driver, function->bus);
		return -EBUSY;
	}
	return bind_release(function->bus, driver);
}

static void explain(const struct pci_function *function, int log, int error)
{
	char said[512] = "";

	if (log >= 0)
		kernellog_last(log, function->bus, said, sizeof(said));
	if (said[0])
		say("grabber does not take %s: %s", function->bus, said);
	else
		say("grabber does not take %s%s%s%s: 'dmesg | grep %s' tells why", function->bus,
		    error ? " (" : "", error ? strerror(-error) : "", error ? ")" : "",
		    function->bus);
}

static int try_move(const struct pci_function *function, const char *once)
{
	char driver[64];
	int log, error = make_free(function);

	if (error)
		return error;
	if (once[0])
		error = pci_write(once, PCI_GRABBER "/settings");
	if (error) {
		say("%s cannot be bound: %s", function->bus, error == -ENOENT ?
		    "the running driver is older than this grabberctl" : strerror(-error));
		return error;
	}
	log = kernellog_open();
	error = pci_write(function->bus, PCI_GRABBER "/bind");
	if (once[0])
		pci_write("\n", PCI_GRABBER "/settings");	/* for nobody else */
	/* It may be there by now, by a driver_override that somebody else saw. */
	pci_driver(function->bus, driver, sizeof(driver));
	if (strcmp(driver, "grabber")) {
		explain(function, log, error);
		error = error ? error : -ENODEV;
	} else {
		error = 0;
	}
	if (log >= 0)
		close(log);
	return error;
}

int bind_move(const struct pci_function *function, const char *section, const char *once)
{
	char text[1024] = "";
	int error;

	if (load_module())
		return -1;
	if (once[0])
		snprintf(text, sizeof(text), "[%s]\n%s", section, once);
	error = try_move(function, text);
	/* Nothing that waits for the other driver can be done now. */
	if (error && error != -ETIMEDOUT)
		restore(function);
	return error;
}
