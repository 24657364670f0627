// SPDX-License-Identifier: GPL-2.0-only
/* The verbs "bind" and "unbind": which driver has a card, now and from now on. */
#include <argp.h>
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
#include "verbs.h"

#define DEVICES		PCI_BUS "/devices"
#define PATIENCE	30	/* seconds that another driver has to let go */

enum {
	KEY_BOARD = 0x100,
	KEY_FRAMING,
	KEY_ONCE,
	KEY_FROM_SETTINGS,
};

struct arguments {
	const char *device;
	const char *board;
	const char *framing;
	bool force;
	bool once;
	bool from_settings;
};

static const char bind_doc[] =
	"Have grabber drive a PCI device, whatever its ids are, now and at each boot."
	"\v"
	"ADDRESS is its PCI address (0000:01:00.0; 'lspci -nn' shows them). With board xdma, an FPGA "
	"with Xilinx's XDMA core, frames are packets of the stream, unless --framing says otherwise or "
	"a grabber video source answers. Where the card has no such core, it is left as it was.";

static const struct argp_option bind_options[] = {
	{ "board", KEY_BOARD, "BOARD", 0, "What it is: xdma (the default), or generic, a card whose registers a program of yours sets", 0 },
	{ "framing", KEY_FRAMING, "HOW", 0, "What a frame is: packet (of the stream) or slot (a slot full of it)", 0 },
	{ "force", 'f', NULL, 0, "Take it from the driver that has it, and from programs that use it", 0 },
	{ "once", KEY_ONCE, NULL, 0, "Leave no trace on disk: until the card is unplugged or the machine is off", 0 },
	{ "from-settings", KEY_FROM_SETTINGS, NULL, OPTION_HIDDEN, "Make ready what was saved, for udev", 0 },
	{ 0 },
};

static const char unbind_doc[] =
	"Take a PCI device from grabber, and forget that it was bound: its other driver may have it again."
	"\v"
	"ADDRESS is its PCI address, such as 0000:01:00.0.";

static const struct argp_option unbind_options[] = {
	{ "force", 'f', NULL, 0, "Take it from programs that use it, too", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_BOARD:
		if (strcmp(arg, "xdma") && strcmp(arg, "generic"))
			argp_error(state, "the board '%s' is neither xdma nor generic", arg);
		arguments->board = arg;
		return 0;
	case KEY_FRAMING:
		if (strcmp(arg, "packet") && strcmp(arg, "slot"))
			argp_error(state, "the framing '%s' is neither packet nor slot", arg);
		arguments->framing = arg;
		return 0;
	case 'f':
		arguments->force = true;
		return 0;
	case KEY_ONCE:
		arguments->once = true;
		return 0;
	case KEY_FROM_SETTINGS:
		arguments->from_settings = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->device)
			argp_error(state, "one card at a time: '%s' is one too many", arg);
		arguments->device = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say which card, by its PCI address, such as 0000:01:00.0");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
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

/* Has the driver let go of it? Says why not. */
static int release(const struct pci_function *function)
{
	int error = pci_write_within(PATIENCE, function->bus, PCI_BUS "/drivers/%s/unbind",
				     function->driver);

	if (error == -ETIMEDOUT)
		say("the driver '%s' has not let go of %s within %d seconds: it waits for whoever uses the card (a virtual machine, a program); end that, and see 'dmesg'",
		    function->driver, function->bus, PATIENCE);
	else if (error)
		say("the driver '%s' cannot be taken from %s: %s", function->driver, function->bus,
		    strerror(-error));
	return error;
}

/* As it was found. */
static void restore(const struct pci_function *function)
{
	char driver[64];

	pci_write("\n", PCI_GRABBER "/settings");
	pci_write(function->override[0] ? function->override : "\n", DEVICES "/%s/driver_override",
		  function->bus);
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

static int try_move(const struct pci_function *function, const char *once)
{
	char driver[64], said[512] = "";
	int log = kernellog_open(), error;

	if (function->driver[0] && release(function)) {
		close(log);
		return -1;
	}
	error = pci_write("grabber", DEVICES "/%s/driver_override", function->bus);
	if (!error && once[0])
		error = pci_write(once, PCI_GRABBER "/settings");
	if (error)
		say("%s cannot be bound: %s", function->bus, error == -ENOENT ?
		    "the running driver is older than this grabberctl" : strerror(-error));
	else
		error = pci_write(function->bus, PCI_GRABBER "/bind");
	/* It may be there by now, by a driver_override that somebody else saw. */
	pci_driver(function->bus, driver, sizeof(driver));
	if (!strcmp(driver, "grabber")) {
		close(log);
		return 0;
	}
	if (log >= 0)
		kernellog_last(log, function->bus, said, sizeof(said));
	close(log);
	if (said[0])
		say("grabber does not take %s: %s", function->bus, said);
	else if (error)
		say("grabber does not take %s (%s): 'dmesg | grep %s' tells why", function->bus,
		    strerror(-error), function->bus);
	return -1;
}

int bind_move(const struct pci_function *function, const char *section, const char *once)
{
	char text[1024] = "";

	if (load_module())
		return -1;
	if (once[0])
		snprintf(text, sizeof(text), "[%s]\n%s", section, once);
	if (!try_move(function, text))
		return 0;
	restore(function);
	return -1;
}

/* Devices that a machine needs to live are not taken from their drivers. */
static const char *precious(unsigned int class)
{
	switch (class >> 16) {
	case 0x01:
		return "a disk controller";
	case 0x02:
		return "a network controller";
	case 0x03:
		return "a display controller";
	}
	return class >> 8 == 0x0c03 ? "a USB controller" : NULL;
}

/* Says why it should not be bound. */
static bool refused(const struct pci_function *function, bool force)
{
	const char *what = precious(function->class);

	if (function->class >> 16 == 0x06) {
		say("%s is a bridge: there are other devices behind it, and no frames in it", function->bus);
	} else if (function->virtual_function) {
		say("%s is a virtual function (SR-IOV): grabber takes whole cards only", function->bus);
	} else if (function->virtual_functions) {
		say("%s has %u virtual functions in use: first 'echo 0 > %s/%s/sriov_numvfs'",
		    function->bus, function->virtual_functions, DEVICES, function->bus);
	} else if (!function->driver[0] || !strcmp(function->driver, "grabber")) {
		return false;
	} else if (!force) {
		say("the driver '%s' has %s; --force takes it from that driver, whatever uses it now",
		    function->driver, function->bus);
	} else if (what) {
		say("%s is %s, and the driver '%s' has it: grabber does not take it, not by --force either; if it is a grabber all the same, unbind that driver first: echo %s > %s/drivers/%s/unbind",
		    function->bus, what, function->driver, function->bus, PCI_BUS, function->driver);
	} else {
		return false;
	}
	return true;
}

static bool is_root(void)
{
	if (!geteuid())
		return true;
	say("only root says who drives a card: run this with sudo");
	return false;
}

/* The section that is there already, else that of the slot. */
static const char *section_of(const struct cards_file *file, const struct pci_function *function)
{
	return function->serial[0] && cards_has_section(file, function->serial) ?
		function->serial : function->slot;
}

static int save(const struct pci_function *function, const struct arguments *arguments)
{
	struct cards_file file;
	const char *section;
	int lock = cards_lock(), error = -1;

	if (lock < 0)
		return -1;
	if (!cards_load(&file)) {
		section = section_of(&file, function);
		cards_change(&file, section, "board", arguments->board);
		if (arguments->framing)
			cards_change(&file, section, "framing", arguments->framing);
		error = cards_save(&file);
		cards_free(&file);
	}
	close(lock);
	if (!error)
		cards_warn_of_link();
	return error;
}

/* udev calls this when the device appears, before it has modules loaded. */
static int make_ready(const struct pci_function *function)
{
	struct grabber_settings_of *settings;
	struct cards_file file;
	bool wanted;

	/* Whoever says driver_override meanwhile, for a virtual machine say, means it. */
	if (function->class >> 16 == 0x06 || !strcmp(function->driver, "grabber") ||
	    (function->override[0] && strcmp(function->override, "grabber")) || cards_load(&file))
		return EXIT_FAILED;
	settings = cards_settings(&file, function->slot, function->serial);
	wanted = grabber_is_set(&settings->channel[0], GRABBER_SET_BOARD);
	free(settings);
	cards_free(&file);
	if (!wanted)
		return EXIT_FAILED;
	if (pci_write("grabber", DEVICES "/%s/driver_override", function->bus)) {
		say("%s cannot be kept for grabber, as %s says", function->bus, CARDS_FILE);
		return EXIT_FAILED;
	}
	if (function->driver[0] && release(function))
		return EXIT_FAILED;
	printf("GRABBER_BIND=1\n");
	return EXIT_SUCCESS;
}

static int bind_card(const struct pci_function *function, const struct arguments *arguments)
{
	char once[64], node[32];

	if (!is_root() || refused(function, arguments->force))
		return EXIT_FAILED;
	if (!arguments->force && bind_in_use(function))
		return EXIT_FAILED;
	snprintf(once, sizeof(once), "board=%s\n%s%s%s", arguments->board,
		 arguments->framing ? "framing=" : "", arguments->framing ? arguments->framing : "",
		 arguments->framing ? "\n" : "");
	if (bind_move(function, function->slot, once)) {
		say("%s is left as it was", function->bus);
		return EXIT_FAILED;
	}
	pci_node(function->bus, node, sizeof(node));
	if (!arguments->once && save(function, arguments)) {
		say("%s is %s now, but not after the next boot", function->bus, node);
		return EXIT_FAILED;
	}
	printf("%s is %s%s\n", function->bus, node, arguments->once ? ", this once" : "");
	return EXIT_SUCCESS;
}

int verb_bind(int argc, char **argv)
{
	static const struct argp argp = { bind_options, parse, "ADDRESS", bind_doc, NULL, NULL, NULL };
	struct arguments arguments = { .board = "xdma" };
	struct pci_function function;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (pci_look(arguments.device, &function))
		return EXIT_FAILED;
	return arguments.from_settings ? make_ready(&function) : bind_card(&function, &arguments);
}

/* Returns 1 where it was said, 0 where not, or -1 after saying why it cannot be changed. */
static int forget(const struct pci_function *function)
{
	const char * const sections[] = { function->slot, function->serial };
	struct cards_file file;
	size_t before;
	int lock, result = 0;

	if (cards_load(&file))
		return -1;
	if (!file.there)
		return 0;
	cards_free(&file);
	lock = cards_lock();
	if (lock < 0 || cards_load(&file)) {
		if (lock >= 0)
			close(lock);
		return -1;
	}
	before = file.bytes;
	for (size_t i = 0; i < 2 && sections[i][0]; i++) {
		cards_change(&file, sections[i], "board", NULL);
		cards_change(&file, sections[i], "framing", NULL);
	}
	if (file.bytes != before)
		result = cards_save(&file) ? -1 : 1;
	cards_free(&file);
	close(lock);
	return result;
}

int verb_unbind(int argc, char **argv)
{
	static const struct argp argp = { unbind_options, parse, "ADDRESS", unbind_doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };
	struct pci_function function;
	bool ours, kept;
	char driver[64];
	int said;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (pci_look(arguments.device, &function) || !is_root())
		return EXIT_FAILED;
	ours = !strcmp(function.driver, "grabber");
	kept = !strcmp(function.override, "grabber");
	if (ours && !arguments.force && bind_in_use(&function))
		return EXIT_FAILED;
	/* The file first: were it after the card, udev could bind that again. */
	said = forget(&function);
	if (said < 0)
		return EXIT_FAILED;
	if (!ours && !kept && !said) {
		say("grabber does not have %s, and nothing says that it should", function.bus);
		return EXIT_FAILED;
	}
	if (ours && release(&function))
		return EXIT_FAILED;
	if (kept) {
		pci_write("\n", DEVICES "/%s/driver_override", function.bus);
		/* Whoever else would have it; grabber too, where it takes such a card by itself. */
		if (ours || !function.driver[0])
			pci_write(function.bus, PCI_BUS "/drivers_probe");
	}
	pci_driver(function.bus, driver, sizeof(driver));
	if (!driver[0])
		printf("%s has no driver now\n", function.bus);
	else if (!strcmp(driver, "grabber"))
		printf("%s is grabber's all the same: it takes such cards by itself\n", function.bus);
	else
		printf("the driver '%s' has %s now\n", driver, function.bus);
	return EXIT_SUCCESS;
}
