// SPDX-License-Identifier: GPL-2.0-only
/* The verb "capture": takes frames and hands them to the pool that writes them. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "loss.h"
#include "number.h"
#include "pool.h"
#include "say.h"
#include "source.h"
#include "verbs.h"
#include "writer.h"

#define NS_PER_S	1000000000LL
#define NS_PER_MS	1000000LL
#define SLICE_MS	100	/* how soon a signal or a full disk is noticed */
#define OTHERS_MS	5	/* how often to ask for a slot that others hold */

enum {
	KEY_READ = 0x100,
	KEY_NEWEST,
	KEY_STRICT,
	KEY_COMPRESSION,
};

/**
 * struct capture - one run of the verb
 * @wanted: frames to capture, 0 for no end
 * @timeout_ns: longest wait for a frame, 0 for no end
 * @compression: zlib level for PNG
 */
struct capture {
	const char *device;
	const char *output;
	struct pattern pattern;
	uint64_t wanted;
	int64_t timeout_ns;
	unsigned int compression;
	bool read;
	bool newest;
	bool strict;
	bool verbose;
	struct source source;
	struct writer writer;
	struct pool pool;
	struct loss loss;
	struct grabber_stats before;
};

static volatile sig_atomic_t stopped;

static const char doc[] =
	"Capture frames from a card and save them."
	"\v"
	"PATTERN ends in .png, .pgm (grey), .ppm (colour) or .raw. A place for the frame's number, "
	"as in frame-%06d.png, makes a file for each frame, counted from 0. Without it a .raw file "
	"gets all frames one after the other, and a picture is of one frame. - stands for raw bytes "
	"to standard output.\n\n"
	"Afterwards tells how many frames came, at what rate, how many were lost before they came "
	"into the buffer, and how many were missed there because this program was late.\n\n"
	DEVICE_HELP;

static const struct argp_option options[] = {
	{ "frames", 'n', "N", 0, "Capture N frames, 1 by default; 0: until interrupted", 0 },
	{ "output", 'o', "PATTERN", 0, "Where to save them, see below", 0 },
	{ "timeout", 't', "SECONDS", 0,
	  "Give up when no frame comes for this long; 0: never (default 10)", 0 },
	{ "newest", KEY_NEWEST, NULL, 0, "Skip to the newest frame each time", 0 },
	{ "strict", KEY_STRICT, NULL, 0, "Exit with status 3 when any frame was lost, missed or damaged", 0 },
	{ "read", KEY_READ, NULL, 0, "Copy frames with read() rather than map them", 0 },
	{ "compression", KEY_COMPRESSION, "LEVEL", 0,
	  "Of PNG files: 0 (none, fastest) to 9 (smallest); default 1", 0 },
	{ "verbose", 'v', NULL, 0, "Tell of every frame written", 0 },
	{ 0 },
};

static void check(struct capture *capture, struct argp_state *state)
{
	const char *wrong;

	if (!capture->output)
		argp_error(state, "say where the frames go with -o, as in -o frame-%%06d.png");
	wrong = pattern_parse(&capture->pattern, capture->output);
	if (wrong)
		argp_error(state, "%s", wrong);
	if (capture->pattern.kind != FILE_RAW && !capture->pattern.numbered && capture->wanted != 1)
		argp_error(state, "a picture file holds one frame: for more, put a place for the number into the name, as in frame-%%06d.png");
	if (capture->newest && capture->read)
		argp_error(state, "--newest does not go with --read, which gives every frame in order");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct capture *capture = state->input;
	uint64_t level;

	switch (key) {
	case 'n':
		if (parse_number(arg, INT64_MAX, &capture->wanted))
			argp_error(state, "the number of frames '%s' is not a whole number from 0 on", arg);
		return 0;
	case 'o':
		capture->output = arg;
		return 0;
	case 't':
		if (parse_seconds(arg, &capture->timeout_ns))
			argp_error(state, "the timeout '%s' is not a number of seconds, such as 10 or 0.5", arg);
		return 0;
	case 'v':
		capture->verbose = true;
		return 0;
	case KEY_READ:
		capture->read = true;
		return 0;
	case KEY_COMPRESSION:
		if (parse_number(arg, 9, &level))
			argp_error(state, "the compression '%s' is not a level from 0 to 9", arg);
		capture->compression = level;
		return 0;
	case KEY_NEWEST:
		capture->newest = true;
		return 0;
	case KEY_STRICT:
		capture->strict = true;
		return 0;
	case ARGP_KEY_ARG:
		device_argument(&capture->device, arg, state);
		return 0;
	case ARGP_KEY_END:
		check(capture, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

/* The first signal ends the capture in good order, a second one the program. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	/* Write errors are told in a sentence instead. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

/* Why no frame came, by what the driver counted meanwhile. */
static void explain_no_frame(const struct capture *capture)
{
	const struct grabber_stats *before = &capture->before;
	double seconds = capture->timeout_ns / 1e9;
	unsigned int card = capture->source.card;
	struct grabber_stats after;

	if (ioctl(capture->source.fd, GRABBER_IOC_GET_STATS, &after) < 0 ||
	    after.begun == before->begun)
		say("no frame came from grabber%u within %g seconds, and the card began none: is a picture source connected to it and running? 'dmesg' tells of errors; --timeout waits longer",
		    card, seconds);
	else
		say("no frame came from grabber%u within %g seconds, though the card began %" PRIu64 " since this capture started; 'grabberctl info %u' shows what became of them, and 'dmesg' tells of errors",
		    card, seconds, (uint64_t)(after.begun - before->begun), card);
}

/* Returns 0, or -EINTR when asked to stop, -ECANCELED when writing failed, or
 * -1 after saying what went wrong.
 */
static int take_frame(struct capture *capture, struct frame *frame)
{
	struct source *source = &capture->source;
	int64_t start = now_ns();
	uint64_t given;
	int error;

	for (;;) {
		if (stopped)
			return -EINTR;
		if (pool_failed(&capture->pool))
			return -ECANCELED;

		given = pool_given_count(&capture->pool);
		error = source->ops->take(source, frame, SLICE_MS * NS_PER_MS);
		if (!error)
			return 0;
		if (error == -EBUSY) {
			/* Waiting for our own files is not the card's fault. */
			if (pool_wait_given(&capture->pool, given, SLICE_MS)) {
				start = now_ns();
				continue;
			}
			usleep(OTHERS_MS * 1000);
		} else if (error != -EAGAIN && error != -EINTR) {
			source_explain(source, -error);
			return -1;
		}
		if (capture->timeout_ns && now_ns() - start >= capture->timeout_ns)
			break;
	}
	if (error == -EBUSY)
		say("grabber%u: other programs hold all frames that may be held; end one of them",
		    source->card);
	else
		explain_no_frame(capture);
	return -1;
}

static int take_all(struct capture *capture)
{
	int error = 0;

	for (uint64_t i = 0; !capture->wanted || i < capture->wanted; i++) {
		struct frame frame = { .index = i };

		error = take_frame(capture, &frame);
		if (error)
			break;
		loss_count(&capture->loss, &frame, now_ns());
		pool_put(&capture->pool, &frame);
	}
	if (capture->read) {
		struct grabber_stats after;

		if (!ioctl(capture->source.fd, GRABBER_IOC_GET_STATS, &after))
			loss_from_stats(&capture->loss, &capture->before, &after);
	}
	return error;
}

static void tell_summary(const struct capture *capture, uint64_t written)
{
	const struct loss *loss = &capture->loss;
	double rate = loss_rate(loss);
	char rate_text[64] = "", damage[64] = "";

	if (rate && written > 1)
		snprintf(rate_text, sizeof(rate_text), "%.2f frames per second, ", rate);
	if (loss->damaged)
		snprintf(damage, sizeof(damage), ", %" PRIu64 " damaged", loss->damaged);
	say("%" PRIu64 " frame%s, %s%" PRIu64 " lost, %" PRIu64 " %s%s", written, plural(written),
	    rate_text, loss->lost, loss->missed, capture->newest ? "skipped" : "missed", damage);
}

static int exit_status(const struct capture *capture, int error, uint64_t written)
{
	const struct loss *loss = &capture->loss;

	if (error == -EINTR && capture->wanted)
		say("stopped by a signal after %" PRIu64 " of %" PRIu64 " frames", written,
		    capture->wanted);
	if (capture->wanted ? written < capture->wanted : error && error != -EINTR)
		return EXIT_FAILED;
	if (capture->strict && (loss->lost || loss->damaged || (loss->missed && !capture->newest))) {
		say("frames were lost, missed or damaged, which --strict does not forgive");
		return EXIT_LOSS;
	}
	return EXIT_SUCCESS;
}

static int run(struct capture *capture)
{
	uint64_t written;
	int error;

	if (ioctl(capture->source.fd, GRABBER_IOC_GET_STATS, &capture->before) < 0) {
		source_explain(&capture->source, errno);
		return EXIT_FAILED;
	}
	if (writer_open(&capture->writer, &capture->pattern, &capture->source.format))
		return EXIT_FAILED;
	capture->writer.compression = capture->compression;
	capture->writer.verbose = capture->verbose;
	if (pool_start(&capture->pool, &capture->source, &capture->writer)) {
		writer_close(&capture->writer, false);
		return EXIT_FAILED;
	}

	catch_signals();
	error = take_all(capture);
	written = pool_finish(&capture->pool);
	if (capture->pool.failed && !error)
		error = -ECANCELED;
	if (writer_close(&capture->writer, !capture->pool.failed)) {
		error = -ECANCELED;
		written = 0;
	}
	tell_summary(capture, written);
	return exit_status(capture, error, written);
}

int verb_capture(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "[DEVICE]", doc, NULL, NULL, NULL };
	struct capture capture = { .wanted = 1, .timeout_ns = 10 * NS_PER_S, .compression = 1 };
	int status = EXIT_FAILED;
	unsigned int card;

	argp_parse(&argp, argc, argv, 0, NULL, &capture);

	if (capture.pattern.to_stdout && isatty(STDOUT_FILENO)) {
		say("standard output is a terminal, which raw frames would only confuse; send them to a file or a program");
	} else if (!device_find(capture.device, &card) &&
		   !source_open(&capture.source, capture.read ? &source_read : &source_mmap, card)) {
		capture.source.newest = capture.newest;
		status = run(&capture);
		source_close(&capture.source);
	}
	pattern_free(&capture.pattern);
	return status;
}
