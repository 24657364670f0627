// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "doctor_root.h"
#include "pcifunction.h"
#include "say.h"

#define DEVICES		PCI_BUS "/devices"
#define EXTENDED	0x100	/* where extended capabilities begin in the configuration space */
#define CONFIG_BYTES	0x1000
#define SERIAL_NUMBER	0x0003	/* Device Serial Number */

bool pci_address(const char *name, char *bus, size_t size)
{
	unsigned int domain = 0, number, device, function;
	int end = 0;

	if (sscanf(name, "%8x:%2x:%2x.%1x%n", &domain, &number, &device, &function, &end) != 4 ||
	    name[end]) {
		domain = 0;
		end = 0;
		if (sscanf(name, "%2x:%2x.%1x%n", &number, &device, &function, &end) != 3 ||
		    name[end])
			return false;
	}
	/* sscanf() takes blanks and signs. */
	if (strspn(name, "0123456789abcdefABCDEF:.") != strlen(name) || device > 31 || function > 7)
		return false;
	snprintf(bus, size, "%04x:%02x:%02x.%u", domain, number, device, function);
	return true;
}

void pci_driver(const char *bus, char *driver, size_t size)
{
	root_link_name(driver, size, DEVICES "/%s/driver", bus);
}

static void serial_text(const unsigned char *low, const unsigned char *high, char *text, size_t size)
{
	snprintf(text, size, "serial:%02x-%02x-%02x-%02x-%02x-%02x-%02x-%02x", high[3], high[2],
		 high[1], high[0], low[3], low[2], low[1], low[0]);
}

/* Older kernels have no file for it; the configuration space shows it to root. */
static void read_serial(struct pci_function *function)
{
	unsigned char config[CONFIG_BYTES] = { 0 };
	unsigned int at = EXTENDED;
	char text[32];
	FILE *file;
	size_t bytes = 0;

	if (root_read(text, sizeof(text), DEVICES "/%s/serial_number", function->bus) > 0) {
		snprintf(function->serial, sizeof(function->serial), "serial:%s", text);
		return;
	}
	file = root_open(DEVICES "/%s/config", function->bus);
	if (file) {
		bytes = fread(config, 1, sizeof(config), file);
		fclose(file);
	}
	for (int i = 0; i < 1024 && at >= EXTENDED && at + 12 <= bytes; i++) {
		uint32_t head = config[at] | config[at + 1] << 8 | config[at + 2] << 16 |
				(uint32_t)config[at + 3] << 24;

		if ((head & 0xffff) == SERIAL_NUMBER) {
			static const unsigned char none[8];

			if (memcmp(config + at + 4, none, 8))
				serial_text(config + at + 4, config + at + 8, function->serial,
					    sizeof(function->serial));
			return;
		}
		at = head >> 20 & 0xffc;
	}
}

static void read_id(struct pci_function *function)
{
	char vendor[16], device[16];

	if (root_read(vendor, sizeof(vendor), DEVICES "/%s/vendor", function->bus) > 0 &&
	    root_read(device, sizeof(device), DEVICES "/%s/device", function->bus) > 0)
		snprintf(function->id, sizeof(function->id), "%04lx:%04lx",
			 strtoul(vendor, NULL, 16) & 0xffff, strtoul(device, NULL, 16) & 0xffff);
}

bool pci_read(const char *bus, struct pci_function *function)
{
	char text[32];

	memset(function, 0, sizeof(*function));
	snprintf(function->bus, sizeof(function->bus), "%s", bus);
	if (root_read(text, sizeof(text), DEVICES "/%s/class", function->bus) < 0)
		return false;
	function->class = strtoul(text, NULL, 16);
	snprintf(function->slot, sizeof(function->slot), "pci-%s", function->bus);
	pci_driver(function->bus, function->driver, sizeof(function->driver));
	function->virtual_function = !root_look(DEVICES "/%s/physfn", function->bus);
	read_id(function);
	read_serial(function);
	return true;
}

void pci_say_hangs(const char *bus)
{
	char driver[64];

	pci_driver(bus, driver, sizeof(driver));
	say("the driver '%s' has not let go of %s within %d seconds: it waits for whoever uses the card (a virtual machine, a program), see 'dmesg'. End that; when the driver lets go then, the card has none: say this again, or 'grabberctl unbind %s' to give the card back",
	    driver, bus, PCI_PATIENCE, bus);
}

static void read_locked(struct pci_function *function)
{
	char text[32];

	root_read(function->override, sizeof(function->override), DEVICES "/%s/driver_override",
		  function->bus);
	if (!strcmp(function->override, "(null)"))
		function->override[0] = 0;
	if (root_read(text, sizeof(text), DEVICES "/%s/sriov_numvfs", function->bus) > 0)
		function->virtual_functions = strtoul(text, NULL, 10);
}

static void close_all(void)
{
	/* Whoever reads what we print does not wait for a child that hangs. */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
}

/* A process that waits in the kernel for a driver cannot be killed. */
static int wait_within(unsigned int seconds, pid_t child)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int status;

	for (unsigned int i = 0; i < seconds * 200; i++) {
		pid_t done = waitpid(child, &status, WNOHANG);

		if (done == child)
			return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
		if (done < 0 && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

/* What takes the lock of the device, which a driver has while it lets go: a child reads it. */
static int read_within(struct pci_function *function)
{
	int ends[2], error;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -EIO;
	fflush(NULL);
	child = fork();
	if (!child) {
		close_all();
		read_locked(function);
		_exit(write(ends[1], function, sizeof(*function)) != sizeof(*function));
	}
	close(ends[1]);
	error = child < 0 ? -EIO : wait_within(PCI_PATIENCE, child);
	if (!error && read(ends[0], function, sizeof(*function)) != sizeof(*function))
		error = -EIO;
	close(ends[0]);
	return error;
}

int pci_look(const char *name, struct pci_function *function)
{
	char bus[sizeof(function->bus)];
	int error = -ENOENT;

	if (!pci_address(name, bus, sizeof(bus)))
		say("'%s' is no PCI address, such as 0000:01:00.0; 'lspci -nn' shows them", name);
	else if (!pci_read(bus, function))
		say("there is no PCI device %s; 'lspci -nn' shows those there are, and 'echo 1 >%s/rescan' (as root) looks for new ones",
		    bus, PCI_BUS);
	else
		error = read_within(function);
	if (error == -ETIMEDOUT)
		pci_say_hangs(bus);
	else if (error && error != -ENOENT)
		say("%s cannot be looked at: is there no memory?", bus);
	return error ? -1 : 0;
}

void pci_node(const char *bus, char *node, size_t size)
{
	DIR *dir = root_dir(DEVICES "/%s/grabber", bus);
	unsigned int number, lowest = UINT_MAX;
	const char *name;

	while (dir && (name = root_next(dir)))
		if (sscanf(name, "grabber%u", &number) == 1 && number < lowest)
			lowest = number;
	if (dir)
		closedir(dir);
	node[0] = 0;
	if (lowest != UINT_MAX)
		snprintf(node, size, "grabber%u", lowest);
}

static int write_path(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

int pci_write(const char *text, const char *fmt, ...)
{
	va_list args;
	char *path;
	int error;

	va_start(args, fmt);
	path = root_vpath(fmt, args);
	va_end(args);
	error = write_path(path, text);
	free(path);
	return error;
}

int pci_write_within(unsigned int seconds, const char *text, const char *fmt, ...)
{
	va_list args;
	pid_t child;
	char *path;

	va_start(args, fmt);
	path = root_vpath(fmt, args);
	va_end(args);
	fflush(NULL);
	child = fork();
	if (!child) {
		close_all();
		_exit(-write_path(path, text));
	}
	free(path);
	if (child < 0)
		return -errno;
	return wait_within(seconds, child);
}
