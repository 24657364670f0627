// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "fourcc.h"
#include "say.h"
#include "sysfs.h"
#include "verbs.h"

static const char doc[] =
	"List all frame-grabber cards, one a line: node, board family, place on its bus, "
	"what it is doing, and what its frames are.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_ARG)
		argp_error(state, "list takes no argument, but got '%s'; 'grabberctl info %s' shows one card",
			   arg, arg);
	return ARGP_ERR_UNKNOWN;
}

static void describe(const struct grabber_format *format, unsigned int channel,
		     unsigned int channels, char *text, size_t size)
{
	char fourcc[FOURCC_TEXT];
	int used = 0;

	if (channels > 1)
		used = snprintf(text, size, "channel %u of %u, ", channel, channels);
	text += used;
	size -= used;
	if (!format->width || !format->height)
		snprintf(text, size, "%" PRIu32 " bytes a frame", format->sizeimage);
	else
		snprintf(text, size, "%" PRIu32 "x%" PRIu32 " %s, %" PRIu32 " bytes a frame",
			 format->width, format->height, fourcc_text(format->pixelformat, fourcc),
			 format->sizeimage);
}

static void line(const char *node, const char *board, const char *bus, const char *state,
		 const char *frames)
{
	printf("%-12s %-10s %-16s %-14s %s\n", node, board, bus[0] ? bus : "-", state, frames);
}

/* By the ioctls, for a driver that tells less in sysfs. Returns as list_card(). */
static int list_by_node(unsigned int card, const char *node, const char *bus,
			struct grabber_info *info)
{
	int fd = device_try_open(card, NODE_FRAMES, O_RDONLY, info);
	struct grabber_format format;
	char frames[96] = "-";

	if (fd < 0) {
		line(node, "-", bus, fd == -EACCES ? "no permission" : "unreachable", frames);
		return -fd;
	}
	if (!ioctl(fd, GRABBER_IOC_GET_FORMAT, &format))
		describe(&format, info->channel, info->channels, frames, sizeof(frames));
	close(fd);
	line(node, info->board, bus, info->flags & GRABBER_INFO_STREAMING ? "streaming" : "idle",
	     frames);
	return 0;
}

/* Returns 0, or what kept us from opening the node, for the user to hear later. */
static int list_card(unsigned int card, struct grabber_info *info)
{
	char node[32], bus[64], frames[96];
	struct sysfs_card sysfs;

	snprintf(node, sizeof(node), "grabber%u", card);
	device_bus(card, bus, sizeof(bus));
	if (sysfs_card(card, &sysfs))
		return list_by_node(card, node, bus, info);
	describe(&sysfs.format, sysfs.channel, sysfs.channels, frames, sizeof(frames));
	line(node, sysfs.board, bus, sysfs.state, frames);
	return 0;
}

int verb_list(int argc, char **argv)
{
	static const struct argp argp = { NULL, parse, NULL, doc, NULL, NULL, NULL };
	struct {
		struct grabber_info info;
		int error;
	} *found;
	int count, status = EXIT_SUCCESS;
	unsigned int *cards;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);

	count = device_all(&cards);
	if (count <= 0) {
		device_explain_none();
		return EXIT_FAILED;
	}
	found = calloc(count, sizeof(*found));
	if (!found) {
		say("out of memory");
		free(cards);
		return EXIT_FAILED;
	}

	line("NODE", "BOARD", "BUS", "STATE", "FRAMES");
	for (int i = 0; i < count; i++)
		found[i].error = list_card(cards[i], &found[i].info);
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		if (!found[i].error)
			continue;
		device_explain_open(cards[i], NODE_FRAMES, found[i].error, &found[i].info);
		status = EXIT_FAILED;
	}
	free(found);
	free(cards);
	return status;
}
