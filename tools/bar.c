// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "number.h"
#include "say.h"
#include "verbs.h"

enum action { LIST, READ, WRITE, WAIT };

struct arguments {
	int count;		/* arguments seen so far */
	enum action action;
	const char *offset_text;	/* of WAIT the line */
	const char *value_text;
	const char *device;
	unsigned int width;	/* bits */
	int bar;		/* -1: the one that a file shows at first */
	int64_t timeout_ns;	/* -1: no limit */
	uint64_t offset;
	uint64_t value;
};

static const char doc[] =
	"Read or write a register of the card, through /dev/grabberN-bar, list the card's "
	"memory BARs, or wait for an interrupt of its user logic."
	"\v"
	"OFFSET counts bytes from the start of the BAR and must be a multiple of the width. "
	"OFFSET and VALUE are decimal, or hexadecimal after 0x. A value read is printed in "
	"hexadecimal.\n\n" DEVICE_HELP;

static const struct argp_option options[] = {
	{ "bar", 'b', "NUMBER", 0, "PCI BAR with the register, not the card's default", 0 },
	{ "timeout", 't', "SECONDS", 0, "Wait so long at most", 0 },
	{ "width", 'w', "BITS", 0, "Width of the register: 8, 16, 32 (default) or 64", 0 },
	{ 0 },
};

static void parse_width(struct arguments *arguments, const char *arg, struct argp_state *state)
{
	uint64_t width;

	if (parse_number(arg, 64, &width) ||
	    (width != 8 && width != 16 && width != 32 && width != 64))
		argp_error(state, "the width '%s' is not 8, 16, 32 or 64 bits", arg);
	arguments->width = width;
}

static void parse_bar(struct arguments *arguments, const char *arg, struct argp_state *state)
{
	uint64_t bar;

	if (parse_number(arg, 5, &bar))
		argp_error(state, "the BAR '%s' is not a number from 0 to 5", arg);
	arguments->bar = bar;
}

static void parse_action(struct arguments *arguments, const char *arg, struct argp_state *state)
{
	static const char *const names[] = {
		[LIST] = "list", [READ] = "read", [WRITE] = "write", [WAIT] = "wait",
	};

	for (enum action action = LIST; action <= WAIT; action++) {
		if (!strcmp(arg, names[action])) {
			arguments->action = action;
			return;
		}
	}
	argp_error(state, "'%s' is none of list, read, write and wait", arg);
}

static void parse_argument(struct arguments *arguments, char *arg, struct argp_state *state)
{
	int place = arguments->count++;

	if (place == 0)
		parse_action(arguments, arg, state);
	else if (place == 1 && arguments->action != LIST)
		arguments->offset_text = arg;
	else if (place == 2 && arguments->action == WRITE)
		arguments->value_text = arg;
	else if (!arguments->device)
		arguments->device = arg;
	else
		argp_error(state, "'%s' is one argument too many", arg);
}

static uint64_t width_max(unsigned int width)
{
	return UINT64_MAX >> (64 - width);
}

static void check_line(struct arguments *arguments, struct argp_state *state)
{
	if (!arguments->offset_text)
		argp_error(state, "say which interrupt line to wait for");
	if (parse_number(arguments->offset_text, GRABBER_IRQ_LINES - 1, &arguments->offset))
		argp_error(state, "the line '%s' is not a number from 0 to %d",
			   arguments->offset_text, GRABBER_IRQ_LINES - 1);
}

/* The numbers can be judged only after all options, for the width may come last. */
static void check(struct arguments *arguments, struct argp_state *state)
{
	int error;

	if (!arguments->count)
		argp_error(state, "say what to do: list, read, write or wait");
	if (arguments->action == LIST)
		return;
	if (arguments->action == WAIT) {
		check_line(arguments, state);
		return;
	}
	if (!arguments->offset_text)
		argp_error(state, "the register's offset is missing");
	if (arguments->action == WRITE && !arguments->value_text)
		argp_error(state, "the value to write is missing");

	error = parse_number(arguments->offset_text, INT64_MAX, &arguments->offset);
	if (error == -ERANGE)
		argp_error(state, "the offset %s is too large for any register window",
			   arguments->offset_text);
	if (error)
		argp_error(state, "the offset '%s' is not a number; write it decimal (64) or hexadecimal (0x40)",
			   arguments->offset_text);
	if (arguments->offset % (arguments->width / 8))
		argp_error(state, "the offset %s is not a multiple of %u bytes, as a %u-bit register needs; choose a smaller --width",
			   arguments->offset_text, arguments->width / 8, arguments->width);

	if (arguments->action != WRITE)
		return;
	error = parse_number(arguments->value_text, width_max(arguments->width), &arguments->value);
	if (error == -ERANGE)
		argp_error(state, "the value %s does not fit into %u bits",
			   arguments->value_text, arguments->width);
	if (error)
		argp_error(state, "the value '%s' is not a number; write it decimal (64) or hexadecimal (0x40)",
			   arguments->value_text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'b':
		parse_bar(arguments, arg, state);
		return 0;
	case 't':
		if (parse_seconds(arg, &arguments->timeout_ns))
			argp_error(state, "the timeout '%s' is not a number of seconds, such as 10 or 0.5",
				   arg);
		return 0;
	case 'w':
		parse_width(arguments, arg, state);
		return 0;
	case ARGP_KEY_ARG:
		parse_argument(arguments, arg, state);
		return 0;
	case ARGP_KEY_END:
		check(arguments, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Registers are numbers of the machine's own byte order, as the driver copies them. */
union value {
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
};

static void set_value(union value *to, unsigned int width, uint64_t from)
{
	switch (width) {
	case 8:
		to->u8 = from;
		break;
	case 16:
		to->u16 = from;
		break;
	case 32:
		to->u32 = from;
		break;
	default:
		to->u64 = from;
	}
}

static uint64_t get_value(const union value *from, unsigned int width)
{
	switch (width) {
	case 8:
		return from->u8;
	case 16:
		return from->u16;
	case 32:
		return from->u32;
	default:
		return from->u64;
	}
}

static int explain(unsigned int card, const struct arguments *arguments, ssize_t done)
{
	int error = done < 0 ? errno : EIO;

	if (error == ENODEV || error == EPERM)
		device_explain_open(card, NODE_BAR, error, NULL);
	else if (error == ENXIO)
		say("the register window of grabber%u is closed for the moment: the card is suspended or being reset; try again",
		    card);
	else if (error == EACCES)
		say("offset 0x%" PRIx64 " is in the card's MSI-X table, which is the kernel's own",
		    arguments->offset);
	else if (error == EINVAL)
		say("the driver refuses %u bits at offset 0x%" PRIx64 ": this card may know no registers of that width",
		    arguments->width, arguments->offset);
	else
		say("cannot %s the register at offset 0x%" PRIx64 ": %s",
		    arguments->action == WRITE ? "write" : "read", arguments->offset, strerror(error));
	return EXIT_FAILED;
}

static int access_register(int fd, unsigned int card, const struct grabber_info *info,
			   const struct arguments *arguments)
{
	size_t bytes = arguments->width / 8;
	union value value;
	ssize_t done;

	if (arguments->offset >= info->bar_size || info->bar_size - arguments->offset < bytes) {
		say("offset 0x%" PRIx64 " is outside BAR %" PRIu32 " of grabber%u, which has %" PRIu64 " bytes",
		    arguments->offset, info->bar_index, card, (uint64_t)info->bar_size);
		return EXIT_FAILED;
	}
	if (arguments->action == WRITE) {
		set_value(&value, arguments->width, arguments->value);
		done = pwrite(fd, &value, bytes, arguments->offset);
	} else {
		done = pread(fd, &value, bytes, arguments->offset);
	}
	if (done != (ssize_t)bytes)
		return explain(card, arguments, done);
	if (arguments->action == READ)
		printf("0x%0*" PRIx64 "\n", (int)bytes * 2, get_value(&value, arguments->width));
	return EXIT_SUCCESS;
}

static void print_bar(const struct grabber_bar *bar)
{
	static const struct { uint32_t flag; const char *word; } words[] = {
		{ GRABBER_BAR_64BIT, "64-bit" },
		{ GRABBER_BAR_PREFETCHABLE, "prefetchable" },
		{ GRABBER_BAR_DEFAULT, "the default" },
	};
	const char *comma = "  ";

	printf("BAR %" PRIu32 " %14" PRIu64 " bytes", bar->bar, (uint64_t)bar->size);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (bar->flags & words[i].flag) {
			printf("%s%s", comma, words[i].word);
			comma = ", ";
		}
	}
	if (!(bar->flags & GRABBER_BAR_REACHABLE))
		printf("%sthe driver's own", comma);
	else if (bar->mmap_size != bar->size)
		printf("%scannot be mapped", comma);
	printf("\n");
}

/* By the frame node: whoever may have frames may know. */
static int list(unsigned int card)
{
	struct grabber_bar bar = { .bar = 0 };
	struct grabber_info info;
	int fd = device_open(card, NODE_FRAMES, O_RDONLY, &info);

	if (fd < 0)
		return EXIT_FAILED;
	while (!ioctl(fd, GRABBER_IOC_ENUM_BAR, &bar)) {
		print_bar(&bar);
		bar = (struct grabber_bar) { .bar = bar.bar + 1 };
	}
	close(fd);
	return EXIT_SUCCESS;
}

/* Have the file show the BAR that is wanted; 0, or -1 after saying why not. */
static int choose(int fd, unsigned int card, int number, struct grabber_info *info)
{
	struct grabber_bar bar = { .bar = number };

	if (number < 0)
		return 0;
	if (ioctl(fd, GRABBER_IOC_SET_BAR, &bar)) {
		if (errno == EINVAL)
			say("grabber%u has no memory BAR %d; \"grabberctl bar list\" shows what it has",
			    card, number);
		else if (errno == EACCES)
			say("BAR %d of grabber%u has its DMA engine, which the driver keeps to itself",
			    number, card);
		else
			device_explain_open(card, NODE_BAR, errno, NULL);
		return -1;
	}
	info->bar_index = bar.bar;
	info->bar_size = bar.size;
	return 0;
}

static int explain_wait(unsigned int card, const struct arguments *arguments, int error)
{
	if (error == EOPNOTSUPP || error == EINVAL)
		say("grabber%u has no interrupt line %" PRIu64 " for programs", card,
		    arguments->offset);
	else if (error == ETIMEDOUT)
		say("no interrupt on line %" PRIu64 " of grabber%u within %g seconds",
		    arguments->offset, card, arguments->timeout_ns / 1e9);
	else
		device_explain_open(card, NODE_BAR, error, NULL);
	return EXIT_FAILED;
}

/* Let the line through, and say how often it came. */
static int wait_for(int fd, unsigned int card, const struct arguments *arguments)
{
	uint32_t line = 1u << arguments->offset;
	struct grabber_irqs irqs = { .lines = line };
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct timespec timeout = {
		arguments->timeout_ns / 1000000000, arguments->timeout_ns % 1000000000,
	};
	int found;

	if (ioctl(fd, GRABBER_IOC_GET_IRQS, &irqs) || ioctl(fd, GRABBER_IOC_UNMASK_IRQ, &line))
		return explain_wait(card, arguments, errno);
	found = ppoll(&poll_fd, 1, arguments->timeout_ns < 0 ? NULL : &timeout, NULL);
	if (found < 0)
		return explain_wait(card, arguments, errno);
	if (!found)
		return explain_wait(card, arguments, ETIMEDOUT);
	irqs = (struct grabber_irqs) { .lines = line };
	if (!(poll_fd.revents & POLLIN) || ioctl(fd, GRABBER_IOC_GET_IRQS, &irqs))
		return explain_wait(card, arguments, ENODEV);
	printf("line %" PRIu64 ": %" PRIu64 "\n", arguments->offset,
	       (uint64_t)irqs.count[arguments->offset]);
	return EXIT_SUCCESS;
}

int verb_bar(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse,
		"list [DEVICE]\nread OFFSET [DEVICE]\nwrite OFFSET VALUE [DEVICE]\nwait LINE [DEVICE]",
		doc,
		NULL, NULL, NULL,
	};
	struct arguments arguments = { .width = 32, .bar = -1, .timeout_ns = -1 };
	struct grabber_info info;
	unsigned int card;
	int fd, status;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);

	if (device_find(arguments.device, &card))
		return EXIT_FAILED;
	if (arguments.action == LIST)
		return list(card);
	fd = device_open(card, NODE_BAR, arguments.action == READ ? O_RDONLY : O_RDWR, &info);
	if (fd < 0)
		return EXIT_FAILED;
	if (arguments.action == WAIT)
		status = wait_for(fd, card, &arguments);
	else
		status = choose(fd, card, arguments.bar, &info) ? EXIT_FAILED :
			 access_register(fd, card, &info, &arguments);
	close(fd);
	return status;
}
