// SPDX-License-Identifier: GPL-2.0-only
/* The verbs "bind" and "unbind": which driver has a card, now and from now on. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "device.h"
#include "say.h"
#include "verbs.h"

#define DEVICES		PCI_BUS "/devices"

enum {
	KEY_BOARD = 0x100,
	KEY_FRAMING,
	KEY_ONCE,
	KEY_FROM_SETTINGS,
	KEY_TAKE_SAVED,
};

struct arguments {
	const char *device;
	const char *board;
	const char *framing;
	bool force;
	bool once;
	bool from_settings;
	bool take_saved;
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
	{ "from-settings", KEY_FROM_SETTINGS, NULL, OPTION_HIDDEN, "Keep for grabber what was saved, for udev", 0 },
	{ "take-saved", KEY_TAKE_SAVED, NULL, OPTION_HIDDEN, "And bind it, when grabber is loaded", 0 },
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
	case KEY_TAKE_SAVED:
		arguments->take_saved = true;
		return 0;
	case ARGP_KEY_ARG:
		device_argument(&arguments->device, arg, state);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say which card, by its PCI address, such as 0000:01:00.0");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const char *bind_precious(const struct pci_function *function)
{
	switch (function->class >> 8) {
	case 0x0805:
		return "an SD host controller";
	case 0x0c00:
		return "a FireWire controller";
	case 0x0c03:
		return "a USB controller";
	case 0x0c04:
		return "a Fibre Channel controller";
	case 0x0c06:
		return "an InfiniBand controller";
	}
	switch (function->class >> 16) {
	case 0x01:
		return "a disk controller";
	case 0x02:
		return "a network controller";
	case 0x03:
		return "a display controller";
	case 0x08:
		return "a part of the system";
	case 0x0d:
		return "a wireless controller";
	}
	return NULL;
}

bool bind_impossible(const struct pci_function *function)
{
	if (function->class >> 16 == 0x06)
		say("%s is a bridge: there are other devices behind it, and no frames in it", function->bus);
	else if (function->virtual_function)
		say("%s is a virtual function (SR-IOV): grabber takes whole cards only", function->bus);
	else if (function->virtual_functions)
		say("%s has %u virtual functions in use: first 'echo 0 > %s/%s/sriov_numvfs'",
		    function->bus, function->virtual_functions, DEVICES, function->bus);
	else
		return false;
	return true;
}

/* Says why it should not be bound. */
static bool refused(const struct pci_function *function, const struct arguments *arguments)
{
	const char *what = bind_precious(function);
	bool others = function->driver[0] && strcmp(function->driver, "grabber");

	if (bind_impossible(function))
		return true;
	if (others && !arguments->force)
		say("the driver '%s' has %s; --force takes it from that driver, whatever uses it now",
		    function->driver, function->bus);
	else if (others && what)
		say("%s is %s, and the driver '%s' has it: grabber does not take it, not by --force either; if it is a grabber all the same, unbind that driver first: echo %s > %s/drivers/%s/unbind",
		    function->bus, what, function->driver, function->bus, PCI_BUS, function->driver);
	else if (function->override[0] && strcmp(function->override, "grabber") && !arguments->force)
		say("%s is kept for the driver '%s' (driver_override: a virtual machine, or driverctl); --force takes it all the same",
		    function->bus, function->override);
	else if (what && !arguments->once)
		say("%s is %s, and such a device is not taken at boot: say --once, for now only",
		    function->bus, what);
	else
		return false;
	return true;
}

static bool is_root(void)
{
	if (!geteuid())
		return true;
	say("only root says who drives a card: run this with sudo");
	return false;
}

static int bind_card(const struct pci_function *function, const struct arguments *arguments)
{
	char once[64], node[32];
	int error;

	if (refused(function, arguments) || (!arguments->force && bind_in_use(function)))
		return EXIT_FAILED;
	snprintf(once, sizeof(once), "board=%s\n%s%s%s", arguments->board,
		 arguments->framing ? "framing=" : "", arguments->framing ? arguments->framing : "",
		 arguments->framing ? "\n" : "");
	error = bind_move(function, function->slot, once);
	if (error) {
		if (error != -ETIMEDOUT)
			say("%s is left as it was", function->bus);
		return EXIT_FAILED;
	}
	pci_node(function->bus, node, sizeof(node));
	if (!arguments->once && bind_save(function, arguments->board, arguments->framing)) {
		say("%s is %s now, but not after the next boot", function->bus, node);
		return EXIT_FAILED;
	}
	printf("%s is %s%s\n", function->bus, node, arguments->once ? ", this once" : "");
	return EXIT_SUCCESS;
}

/* While nobody else moves cards. */
static int guarded(const struct arguments *arguments,
		   int (*run)(const struct pci_function *function, const struct arguments *arguments))
{
	struct pci_function function;
	struct bind_guard guard;
	int status = EXIT_FAILED;
	bool locked;

	if (pci_look(arguments->device, &function) || !is_root())
		return EXIT_FAILED;
	locked = !bind_begin(&guard);
	/* udev has kept the card from other drivers, so that has to go on. */
	if (!locked && !arguments->take_saved)
		return EXIT_FAILED;
	/* It may have gone another way while we waited. */
	if (!pci_look(arguments->device, &function))
		status = run(&function, arguments);
	if (locked)
		bind_end(&guard);
	return status;
}

static int take_saved(const struct pci_function *function, const struct arguments *arguments)
{
	(void)arguments;
	return bind_take_saved(function);
}

int verb_bind(int argc, char **argv)
{
	static const struct argp argp = { bind_options, parse, "ADDRESS", bind_doc, NULL, NULL, NULL };
	struct arguments arguments = { .board = "xdma" };
	struct pci_function function;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (arguments.take_saved)
		return guarded(&arguments, take_saved);
	if (!arguments.from_settings)
		return guarded(&arguments, bind_card);
	/* For each device that appears: these wait for nobody. */
	return pci_look(arguments.device, &function) ? EXIT_FAILED : bind_ready(&function);
}

static int unbind_card(const struct pci_function *function, const struct arguments *arguments)
{
	bool ours = !strcmp(function->driver, "grabber");
	bool kept = !strcmp(function->override, "grabber");
	char driver[64];
	int said;

	if (ours && !arguments->force && bind_in_use(function))
		return EXIT_FAILED;
	/* The file first: were it after the card, udev could bind that again. */
	said = bind_forget(function);
	if (said < 0)
		return EXIT_FAILED;
	if (!ours && !kept && !said) {
		say("grabber does not have %s, and nothing says that it should", function->bus);
		return EXIT_FAILED;
	}
	if (ours && bind_release(function->bus, "grabber"))
		return EXIT_FAILED;
	if (kept) {
		if (bind_override(function->bus, ""))
			return EXIT_FAILED;
		/* Whoever else would have it; grabber too, where it takes such a card by itself. */
		if (ours || !function->driver[0])
			pci_write(function->bus, PCI_BUS "/drivers_probe");
	}
	pci_driver(function->bus, driver, sizeof(driver));
	if (!driver[0])
		printf("%s has no driver now\n", function->bus);
	else if (!strcmp(driver, "grabber"))
		printf("%s is grabber's all the same: it takes such cards by itself\n", function->bus);
	else
		printf("the driver '%s' has %s now\n", driver, function->bus);
	return EXIT_SUCCESS;
}

int verb_unbind(int argc, char **argv)
{
	static const struct argp argp = { unbind_options, parse, "ADDRESS", unbind_doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	return guarded(&arguments, unbind_card);
}
