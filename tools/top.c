// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verb "top": what all cards do, live. From sysfs alone, so that anybody may look
 * and looking changes nothing.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "number.h"
#include "rates.h"
#include "say.h"
#include "verbs.h"

#define NS_PER_S	1000000000LL
#define DELAY_MIN_NS	(NS_PER_S / 10)
#define DELAY_MAX_NS	(86400 * NS_PER_S)
#define ROWS_OTHER	3	/* rows of a terminal that are no card's: two heads, the cursor's */

struct arguments {
	int64_t delay_ns;
	uint64_t times;
};

/**
 * struct sample - one look at a card
 * @error: why there is none, 0 otherwise
 */
struct sample {
	unsigned int card;
	int error;
	uint64_t when_ns;
	struct sysfs_card sysfs;
};

struct samples {
	int count;
	struct sample *list;
};

static const char doc[] =
	"Show what all cards do, again and again: frames and megabytes (1,000,000 bytes) that came "
	"into the buffer a second; frames lost a second because no slot was free, for errors, "
	"unfinished at a stop, skipped by the card itself; those cut off at their slot's end; slots "
	"held; and readers."
	"\v"
	"In a terminal the table is drawn anew each time; elsewhere lines follow each other, with the "
	"time of day. It needs no permission and starts no capture.";

static const struct argp_option options[] = {
	{ "delay", 'd', "SECONDS", 0, "Time between two looks, at least 0.1 (default 1)", 0 },
	{ "times", 'n', "TIMES", 0, "End after so many; 0: go on until interrupted (default)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'd':
		if (parse_seconds(arg, &arguments->delay_ns) || arguments->delay_ns < DELAY_MIN_NS ||
		    arguments->delay_ns > DELAY_MAX_NS)
			argp_error(state, "the delay '%s' is not a number of seconds from 0.1 to 86400", arg);
		return 0;
	case 'n':
		if (parse_number(arg, INT64_MAX, &arguments->times))
			argp_error(state, "the number of times '%s' is not a whole number from 0 on", arg);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "top shows all cards and takes no argument, but got '%s'", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Cards may come and go between two looks; having none is no error then. */
static int look(struct samples *samples)
{
	unsigned int *cards;
	int count = device_all(&cards);

	samples->count = 0;
	samples->list = calloc(count > 0 ? count : 1, sizeof(*samples->list));
	if (!samples->list) {
		free(cards);
		say("out of memory");
		return -1;
	}
	for (int i = 0; i < count; i++) {
		struct sample *sample = &samples->list[samples->count++];

		sample->card = cards[i];
		sample->when_ns = now_ns();
		sample->error = -sysfs_card(cards[i], &sample->sysfs);
	}
	free(cards);
	return 0;
}

static const struct sample *find(const struct samples *samples, unsigned int card)
{
	for (int i = 0; i < samples->count; i++) {
		if (samples->list[i].card == card && !samples->list[i].error)
			return &samples->list[i];
	}
	return NULL;
}

/* "59.9", "1500", "-" where it is not known */
static const char *rate(bool known, double value, char text[16])
{
	if (known)
		snprintf(text, 16, "%.*f", value < 99.95, value);
	else
		snprintf(text, 16, "-");
	return text;
}

static void print_card(const struct samples *before, const struct sample *now, const char *end)
{
	const struct sample *then = find(before, now->card);
	char frames[16], bytes[16], no_slot[16], error[16], stop[16], card[16], cut[16], name[24];
	struct rates rates = { 0 };
	bool known = false;

	snprintf(name, sizeof(name), "grabber%u", now->card);
	if (now->error) {
		printf("%-9s %s%s", name, now->error == ENOENT ?
		       "tells nothing: it is gone, or its driver is older than this grabberctl" :
		       strerror(now->error), end);
		return;
	}
	if (then)
		known = rates_between(&then->sysfs, &now->sysfs,
				      (now->when_ns - then->when_ns) / 1e9, &rates);
	printf("%-9s %-9s %8s %7s %7s %5s %4s %5s %4s %4" PRIu32 " %7" PRIu32 "%s",
	       name, now->sysfs.state, rate(known, rates.frames, frames),
	       rate(known, rates.megabytes, bytes), rate(known, rates.no_slot, no_slot),
	       rate(known, rates.error, error), rate(known, rates.stop, stop),
	       rate(known, rates.card, card), rate(known, rates.cut, cut),
	       now->sysfs.stats.held, now->sysfs.stats.readers, end);
}

static void print_heading(const char *end)
{
	printf("%-9s %-9s %8s %7s %7s %5s %4s %5s %4s %4s %7s%s", "NODE", "STATE", "FRAMES/S",
	       "MB/S", "NO-SLOT", "ERROR", "STOP", "CARD", "CUT", "HELD", "READERS", end);
}

static void time_of_day(char text[16])
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(text, 16, "%H:%M:%S", &tm);
}

/* Over the last one, each line's rest and what is below it wiped out. */
static void draw(const struct samples *before, const struct samples *now)
{
	static const char end[] = "\033[K\n";
	struct winsize window;
	int shown = now->count;
	char clock[16];

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) && window.ws_row > ROWS_OTHER + 1 &&
	    shown > window.ws_row - ROWS_OTHER)
		shown = window.ws_row - ROWS_OTHER;
	time_of_day(clock);
	printf("\033[H%s  %d card%s", clock, now->count, plural(now->count));
	if (shown < now->count)
		printf(", of which %d fit here", shown);
	printf("; frames lost a second by cause%s", end);
	print_heading(end);
	for (int i = 0; i < shown; i++)
		print_card(before, &now->list[i], end);
	printf("\033[J");
}

static void print_lines(const struct samples *before, const struct samples *now)
{
	char clock[16];

	time_of_day(clock);
	for (int i = 0; i < now->count; i++) {
		printf("%s ", clock);
		print_card(before, &now->list[i], "\n");
	}
	if (!now->count)
		printf("%s no card\n", clock);
}

/* Does standard output know how to draw? */
static bool can_draw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

static void pause_for(int64_t ns)
{
	struct timespec rest = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
		;
}

static int watch(const struct arguments *arguments, struct samples *before)
{
	bool drawing = can_draw();
	struct samples now;

	if (drawing) {
		printf("\033[2J");
	} else {
		printf("%-8s ", "TIME");
		print_heading("\n");
	}
	for (uint64_t i = 0; !arguments->times || i < arguments->times; i++) {
		/* With the heading or the first table at once; a full disk ends it. */
		if (!i && drawing)
			draw(before, before);
		if (fflush(stdout))
			break;
		pause_for(arguments->delay_ns);
		if (look(&now))
			return -1;
		if (drawing)
			draw(before, &now);
		else
			print_lines(before, &now);
		free(before->list);
		*before = now;
	}
	return 0;
}

int verb_top(int argc, char **argv)
{
	static const struct argp argp = { options, parse, NULL, doc, NULL, NULL, NULL };
	struct arguments arguments = { .delay_ns = NS_PER_S };
	struct samples samples;
	int error = -1;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);

	if (look(&samples))
		return EXIT_FAILED;
	if (samples.count)
		error = watch(&arguments, &samples);
	else
		device_explain_none();
	free(samples.list);
	return error ? EXIT_FAILED : EXIT_SUCCESS;
}
