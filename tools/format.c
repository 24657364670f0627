// SPDX-License-Identifier: GPL-2.0-only
/* The verb "format": what a card's frames hold, shown and set. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apply.h"
#include "device.h"
#include "formatspec.h"
#include "fourcc.h"
#include "holders.h"
#include "say.h"
#include "verbs.h"

#define KEY_SET		0x100
#define CHOICES_MAX	256	/* the end, even if a driver knows none */

struct arguments {
	const char *device;
	bool set;
	struct format_wish wish;
};

struct choices {
	size_t count;
	struct grabber_format_choice list[CHOICES_MAX];
};

static const char doc[] =
	"Show what the frames of a card hold and what they can be set to, or set it."
	"\v"
	"FORMAT is WIDTHxHEIGHT:FOURCC[:BYTESPERLINE[:SIZEIMAGE]], such as 1920x1080:RGB3 or "
	"1920x1080:RGB3:5760:6220800. FOURCC is a V4L2 pixel format; what is left out is taken from "
	"a format that the card offers, or computed for lines without padding.\n\n"
	DEVICE_HELP;

static const struct argp_option options[] = {
	{ "set", KEY_SET, "FORMAT", 0, "Have frames of this format; capture must be off", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	const char *wrong;

	switch (key) {
	case KEY_SET:
		wrong = format_parse(arg, &arguments->wish);
		if (wrong)
			argp_error(state, "'%s': %s", arg, wrong);
		arguments->set = true;
		return 0;
	case ARGP_KEY_ARG:
		device_argument(&arguments->device, arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int enumerate(int fd, unsigned int card, struct choices *choices)
{
	for (choices->count = 0; choices->count < CHOICES_MAX; choices->count++) {
		struct grabber_format_choice *choice = &choices->list[choices->count];

		memset(choice, 0, sizeof(*choice));
		choice->index = choices->count;
		if (!ioctl(fd, GRABBER_IOC_ENUM_FORMAT, choice))
			continue;
		if (errno == EINVAL)
			break;
		device_explain_call(card, errno);
		return -1;
	}
	return 0;
}

static bool takes_others(const struct choices *choices)
{
	for (size_t i = 0; i < choices->count; i++) {
		if (choices->list[i].flags & GRABBER_FORMAT_FREE)
			return true;
	}
	return false;
}

static void explain_refusal(int fd, unsigned int card, const struct grabber_format *format,
			    const struct choices *choices)
{
	struct grabber_buffer buffer;
	char text[FORMAT_TEXT];

	format_text(format, text);
	if (!takes_others(choices))
		say("grabber%u cannot do %s; 'grabberctl format %u' shows what it can do",
		    card, text, card);
	else if (!ioctl(fd, GRABBER_IOC_GET_BUFFER, &buffer) && format->sizeimage > buffer.slot_size)
		say("frames of %s do not fit the slots of grabber%u, which have %" PRIu32 " bytes; make them larger with 'grabberctl buffer --slot-size %" PRIu32 " %u'",
		    text, card, buffer.slot_size, format->sizeimage, card);
	else
		say("the driver refuses %s for grabber%u: bytes a line times height must be no more than bytes a frame, and those not be 0",
		    text, card);
}

static int set(int fd, unsigned int card, struct format_wish *wish, const struct choices *choices)
{
	const char *wrong = format_complete(wish, choices->list, choices->count);
	struct grabber_format format = wish->format;
	char asked[FORMAT_TEXT], got[FORMAT_TEXT];

	if (wrong) {
		say("%s", wrong);
		return -1;
	}
	if (ioctl(fd, GRABBER_IOC_SET_FORMAT, &format) < 0) {
		if (errno == EBUSY)
			holders_explain(card, fd, "its format",
					"capture was on a moment ago, or the card is suspended or being reset");
		else if (errno == EINVAL)
			explain_refusal(fd, card, &wish->format, choices);
		else
			device_explain_call(card, errno);
		return -1;
	}
	if (memcmp(&format, &wish->format, sizeof(format)))
		say("grabber%u corrected %s to %s, which is set now", card,
		    format_text(&wish->format, asked), format_text(&format, got));
	return 0;
}

int apply_format(int fd, unsigned int card, struct format_wish *wish)
{
	struct choices choices;

	return enumerate(fd, card, &choices) ? -1 : set(fd, card, wish, &choices);
}

static void show_line(const struct grabber_format *format, const char *remark)
{
	const char *words = fourcc_words(format->pixelformat);
	char text[FORMAT_TEXT];

	printf("  %s%s%s%s%s\n", format_text(format, text), *words ? " (" : "", words,
	       *words ? ")" : "", remark);
}

static int show(int fd, unsigned int card, const struct choices *choices)
{
	struct grabber_format format;

	if (ioctl(fd, GRABBER_IOC_GET_FORMAT, &format) < 0) {
		device_explain_call(card, errno);
		return -1;
	}
	printf("Format of grabber%u (size:FOURCC:bytes a line:bytes a frame)\n", card);
	show_line(&format, "");
	printf("Can be set\n");
	for (size_t i = 0; i < choices->count; i++)
		show_line(&choices->list[i].format,
			  choices->list[i].flags & GRABBER_FORMAT_FREE ?
			  ", an example: any other that fits a slot, too" : "");
	return 0;
}

int verb_format(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "[DEVICE]", doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };
	struct choices choices;
	struct grabber_info info;
	unsigned int card;
	int fd, error;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);

	if (device_find(arguments.device, &card))
		return EXIT_FAILED;
	fd = device_open(card, NODE_FRAMES, arguments.set ? O_RDWR : O_RDONLY, &info);
	if (fd < 0)
		return EXIT_FAILED;
	error = enumerate(fd, card, &choices);
	if (!error && arguments.set)
		error = set(fd, card, &arguments.wish, &choices);
	/* An example may be another one now. */
	if (!error && arguments.set)
		error = enumerate(fd, card, &choices);
	if (!error)
		error = show(fd, card, &choices);
	close(fd);
	return error ? EXIT_FAILED : EXIT_SUCCESS;
}
