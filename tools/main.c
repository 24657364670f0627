// SPDX-License-Identifier: GPL-2.0-only
/* grabberctl: look at grabber cards, set them up, capture frames, access registers. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "verbs.h"

const char *argp_program_version = "grabberctl " GRABBER_VERSION;

static const struct {
	const char *name;
	char *full_name;	/* what argp calls the program in messages */
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "list", "grabberctl list", verb_list },
	{ "info", "grabberctl info", verb_info },
	{ "capture", "grabberctl capture", verb_capture },
	{ "format", "grabberctl format", verb_format },
	{ "buffer", "grabberctl buffer", verb_buffer },
	{ "set", "grabberctl set", verb_set },
	{ "bind", "grabberctl bind", verb_bind },
	{ "unbind", "grabberctl unbind", verb_unbind },
	{ "stats", "grabberctl stats", verb_stats },
	{ "top", "grabberctl top", verb_top },
	{ "doctor", "grabberctl doctor", verb_doctor },
	{ "bar", "grabberctl bar", verb_bar },
};

#define VERB_NAMES								\
	"list, info, capture, format, buffer, set, bind, unbind, stats, top, doctor"
#define VERBS	(sizeof(verbs) / sizeof(verbs[0]))

struct arguments {
	size_t verb;
	int argc;
	char **argv;
};

static const char doc[] =
	"Look at frame-grabber cards, set them up, capture their frames, read and write their "
	"registers."
	"\v"
	"Verbs:\n"
	"  list      all cards, one a line\n"
	"  info      everything about one card\n"
	"  capture   save frames as PNG, PGM, PPM or raw bytes\n"
	"  format    show or set what frames hold\n"
	"  buffer    show or set the buffer's slots\n"
	"  set       show, change or keep the settings of a card\n"
	"  bind      have grabber drive a PCI device, now and at each boot\n"
	"  unbind    take a PCI device from grabber\n"
	"  stats     what became of every frame that a card began\n"
	"  top       what all cards do, live\n"
	"  doctor    what is wrong on this machine, and what mends it\n"
	"  bar       read or write a register, list BARs, wait for an interrupt\n"
	"\n"
	"'grabberctl VERB --help' tells more of each, and so does grabberctl(1).";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		while (arguments->verb < VERBS && strcmp(verbs[arguments->verb].name, arg))
			arguments->verb++;
		if (arguments->verb == VERBS)
			argp_error(state, "there is no verb '%s'; there are " VERB_NAMES " and bar",
				   arg);
		/* The rest is the verb's own. */
		arguments->argc = state->argc - state->next + 1;
		arguments->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say what to do: " VERB_NAMES " or bar");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = { NULL, parse, "VERB [ARGUMENT...]", doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };
	int status;

	/* getopt would put the path we were called by before its messages. */
	argv[0] = "grabberctl";
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments);

	arguments.argv[0] = verbs[arguments.verb].full_name;
	status = verbs[arguments.verb].run(arguments.argc, arguments.argv);
	if (fflush(stdout) || ferror(stdout)) {
		say("cannot write to standard output; is the disk full, or the reader gone?");
		return EXIT_FAILED;
	}
	return status;
}
