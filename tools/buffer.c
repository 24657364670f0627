// SPDX-License-Identifier: GPL-2.0-only
/* The verb "buffer": a card's frame slots, shown and set. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apply.h"
#include "device.h"
#include "holders.h"
#include "number.h"
#include "say.h"
#include "verbs.h"

#define MIB		1048576.0
#define GRABBER_PARAMETERS "/sys/module/grabber/parameters"
#define SLOTS_MIN	2
#define SLOTS_MAX	1024
#define SIZE_MAX_BYTES	(64U << 20)
#define IOMMU_ON	" (on a PC: intel_iommu=on, amd_iommu=on)"

enum {
	KEY_SLOTS = 0x100,
	KEY_SLOT_SIZE,
};

struct arguments {
	const char *device;
	bool set_slots;
	bool set_size;
	uint64_t slots;
	uint64_t slot_size;
};

static const char doc[] =
	"Show the frame buffer of a card, or set how many slots it has and how large they are."
	"\v"
	"What is not given stays as it is. Capture must be off, and no program may have the buffer "
	"mapped or hold a slot. Frames that were in the buffer are gone then.\n\n"
	DEVICE_HELP;

static const struct argp_option options[] = {
	{ "slots", KEY_SLOTS, "N", 0, "Have N slots, 2 to 1024", 0 },
	{ "slot-size", KEY_SLOT_SIZE, "BYTES", 0,
	  "Have slots of that many bytes, up to 64M; K and M stand for 1024 and 1024 * 1024 bytes; "
	  "0: what a frame needs", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_SLOTS:
		if (parse_number(arg, SLOTS_MAX, &arguments->slots) || arguments->slots < SLOTS_MIN)
			argp_error(state, "the number of slots '%s' is not a number from %d to %d",
				   arg, SLOTS_MIN, SLOTS_MAX);
		arguments->set_slots = true;
		return 0;
	case KEY_SLOT_SIZE:
		if (parse_size(arg, SIZE_MAX_BYTES, &arguments->slot_size))
			argp_error(state, "the slot size '%s' is not a number of bytes up to 64M, such as 6220800 or 4M",
				   arg);
		arguments->set_size = true;
		return 0;
	case ARGP_KEY_ARG:
		device_argument(&arguments->device, arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void explain(int fd, unsigned int card, const struct grabber_buffer *wish, int error)
{
	struct grabber_format format = { 0 };
	uint32_t size = wish->slot_size;

	if (!size && !ioctl(fd, GRABBER_IOC_GET_FORMAT, &format))
		size = format.sizeimage;
	switch (error) {
	case EBUSY:
		holders_explain(card, fd, "its buffer",
				"its buffer is mapped, or the card is suspended or being reset");
		break;
	case ENOMEM:
		say("no memory that grabber%u can reach for %" PRIu32 " slots of %" PRIu32 " bytes (%.1f MiB); its buffer stays as it was: ask for fewer or smaller slots, or free memory first%s",
		    card, wish->slots, size, wish->slots * (size / MIB),
		    size > 4 << 20 ? "; where a card needs each slot in one piece, as those of board generic do, more than 4M a slot take an IOMMU" IOMMU_ON : "");
		break;
	case EPERM:
		say("grabber%u: a buffer of %.1f MiB is more than users may have, and stays as it was: run this as root, or let root write more MiB to %s/memory (for each card) and memory_all",
		    card, wish->slots * (size / MIB), GRABBER_PARAMETERS);
		break;
	case EINVAL:
		if (size && !ioctl(fd, GRABBER_IOC_GET_FORMAT, &format) && size < format.sizeimage)
			say("slots of %" PRIu32 " bytes are too small for the frames of grabber%u, which have %" PRIu32 "; give at least that, or 0 for just that",
			    size, card, format.sizeimage);
		else
			say("the driver refuses %" PRIu32 " slots of %" PRIu32 " bytes for grabber%u; from 2 to 1024 slots up to 64M can be had",
			    wish->slots, size, card);
		break;
	default:
		device_explain_call(card, error);
	}
}

int apply_buffer(int fd, unsigned int card, struct grabber_buffer *buffer)
{
	struct grabber_buffer wish = *buffer;

	if (!ioctl(fd, GRABBER_IOC_SET_BUFFER, buffer))
		return 0;
	explain(fd, card, &wish, errno);
	return -1;
}

static int set(int fd, unsigned int card, const struct arguments *arguments,
	       struct grabber_buffer *buffer)
{
	struct grabber_format format;

	*buffer = (struct grabber_buffer) {
		.slots = arguments->set_slots ? arguments->slots : buffer->slots,
		/* The driver's 0 is what a frame needs, not what there is. */
		.slot_size = arguments->set_size ? arguments->slot_size : buffer->slot_size,
	};
	if (apply_buffer(fd, card, buffer))
		return -1;
	if (!ioctl(fd, GRABBER_IOC_GET_FORMAT, &format) && format.sizeimage > buffer->slot_size)
		say("grabber%u: frames have %" PRIu32 " bytes, so each will be cut off at its slot's end; '--slot-size 0' makes slots of the size of a frame",
		    card, format.sizeimage);
	return 0;
}

static void show(unsigned int card, const struct grabber_buffer *buffer)
{
	printf("Buffer of grabber%u\n"
	       "  slots             %" PRIu32 "\n"
	       "  slot size         %" PRIu32 " bytes\n"
	       "  stride            %" PRIu64 " bytes from one slot to the next\n"
	       "  memory            %.1f MiB\n"
	       "  may be held       %" PRIu32 " slot%s at a time\n",
	       card, buffer->slots, buffer->slot_size, (uint64_t)buffer->stride,
	       buffer->mmap_size / MIB, buffer->hold_max, plural(buffer->hold_max));
}

int verb_buffer(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "[DEVICE]", doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };
	struct grabber_buffer buffer;
	struct grabber_info info;
	bool change;
	unsigned int card;
	int fd, error;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);

	if (device_find(arguments.device, &card))
		return EXIT_FAILED;
	change = arguments.set_slots || arguments.set_size;
	fd = device_open(card, NODE_FRAMES, change ? O_RDWR : O_RDONLY, &info);
	if (fd < 0)
		return EXIT_FAILED;
	error = ioctl(fd, GRABBER_IOC_GET_BUFFER, &buffer);
	if (error)
		device_explain_call(card, errno);
	else if (change)
		error = set(fd, card, &arguments, &buffer);
	close(fd);
	if (error)
		return EXIT_FAILED;
	show(card, &buffer);
	return EXIT_SUCCESS;
}
