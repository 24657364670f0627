// SPDX-License-Identifier: GPL-2.0-only
/* The verb "stats": what became of every frame that a card began. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "counters.h"
#include "device.h"
#include "json.h"
#include "say.h"
#include "sysfs.h"
#include "verbs.h"

#define KEY_JSON	0x100

struct arguments {
	const char *device;
	bool json;
};

/**
 * struct told - the counters, and what they are worth
 * @by_sysfs: the node could not be opened
 * @begun_before: "begun" when the first of the others was read
 */
struct told {
	unsigned int card;
	bool by_sysfs;
	uint64_t begun_before;
	struct grabber_stats stats;
};

static const char doc[] =
	"Show what became of every frame that a card began, with what each counter means, and check "
	"that they add up: status 1 where they do not. Where the card's node cannot be opened, the "
	"counters are read from sysfs, which everybody may do."
	"\v" DEVICE_HELP;

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "Print a JSON object, with the interface's own names", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_JSON:
		arguments->json = true;
		return 0;
	case ARGP_KEY_ARG:
		device_argument(&arguments->device, arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int query(struct told *told)
{
	struct grabber_info info;
	struct sysfs_card sysfs;
	int fd = device_try_open(told->card, NODE_FRAMES, O_RDONLY, &info), error = 0;

	if (fd >= 0) {
		if (ioctl(fd, GRABBER_IOC_GET_STATS, &told->stats) < 0)
			error = errno;
		close(fd);
		told->begun_before = told->stats.begun;
		if (error)
			device_explain_call(told->card, error);
		return error ? -1 : 0;
	}
	if (sysfs_card(told->card, &sysfs)) {
		device_explain_open(told->card, NODE_FRAMES, -fd, &info);
		return -1;
	}
	told->by_sysfs = true;
	told->begun_before = sysfs.begun_before;
	told->stats = sysfs.stats;
	return 0;
}

/* Counters only rise, so the sum lies between two looks at "begun". */
static bool fits(const struct told *told)
{
	uint64_t sum = counters_sum(&told->stats);

	return sum >= told->begun_before && sum <= told->stats.begun;
}

static void print_text(const struct told *told)
{
	const struct grabber_stats *stats = &told->stats;

	printf("grabber%u, since the driver found the card%s\n", told->card,
	       told->by_sysfs ? " (from sysfs)" : "");
	for (size_t i = 0; i < COUNTERS; i++)
		printf("  %-16s %12" PRIu64 "  %s\n", counters[i].name,
		       counter_get(stats, &counters[i]), counters[i].meaning);
	printf("  %-16s %12" PRIu64 "  times the card had filled all its slots, and waited\n",
	       "stalls", (uint64_t)stats->stalls);
	printf("  %-16s %12" PRIu32 "  slots held by readers now\n"
	       "  %-16s %12" PRIu32 "  open files of the frame node now%s\n",
	       "held", stats->held, "readers", stats->readers,
	       told->by_sysfs ? "" : ", this one included");
	if (!fits(told))
		return;
	if (told->begun_before == stats->begun)
		printf("The sum fits: each frame begun is in one of the six counters after it.\n");
	else
		printf("The sum fits, as far as can be seen: while they were read, begun rose from %" PRIu64 ".\n",
		       told->begun_before);
}

static void print_json(const struct told *told)
{
	printf("{\n  \"stats\": {\n");
	for (size_t i = 0; i < COUNTERS; i++)
		json_number(counters[i].name, counter_get(&told->stats, &counters[i]), ",");
	json_number("stalls", told->stats.stalls, ",");
	json_number("held", told->stats.held, ",");
	json_number("readers", told->stats.readers, "");
	printf("  },\n  \"card\": %u,\n  \"source\": \"%s\",\n  \"begun_before\": %" PRIu64 ",\n  \"sum_fits\": %s\n}\n",
	       told->card, told->by_sysfs ? "sysfs" : "ioctl", told->begun_before,
	       fits(told) ? "true" : "false");
}

int verb_stats(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "[DEVICE]", doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };
	struct told told = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);

	if (device_find(arguments.device, &told.card) || query(&told))
		return EXIT_FAILED;
	if (arguments.json)
		print_json(&told);
	else
		print_text(&told);
	if (fits(&told))
		return EXIT_SUCCESS;
	fflush(stdout);
	say("grabber%u: begun is %" PRIu64 ", but the other counters add up to %" PRIu64 "; that is a mistake of the driver, so please report it with these numbers and what 'dmesg' says of grabber",
	    told.card, (uint64_t)told.stats.begun, counters_sum(&told.stats));
	return EXIT_FAILED;
}
