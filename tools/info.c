// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "fourcc.h"
#include "json.h"
#include "say.h"
#include "verbs.h"

#define KEY_JSON	0x100

struct arguments {
	const char *device;
	bool json;
};

/* All that the driver tells. */
struct card {
	struct grabber_info info;
	struct grabber_format format;
	struct grabber_buffer buffer;
	struct grabber_stats stats;
};

static const char doc[] =
	"Show everything about one card: what it is, what its frames are, how its buffer is laid "
	"out, and what became of every frame it began."
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

static int query(unsigned int number, struct card *card)
{
	int fd = device_open(number, NODE_FRAMES, O_RDONLY, &card->info), result = 0;

	if (fd < 0)
		return -1;
	if (ioctl(fd, GRABBER_IOC_GET_FORMAT, &card->format) < 0 ||
	    ioctl(fd, GRABBER_IOC_GET_BUFFER, &card->buffer) < 0 ||
	    ioctl(fd, GRABBER_IOC_GET_STATS, &card->stats) < 0) {
		device_explain_open(number, NODE_FRAMES, errno, &card->info);
		result = -1;
	}
	close(fd);
	return result;
}

static const char *framing_word(uint32_t framing)
{
	switch (framing) {
	case GRABBER_FRAMING_CARD:
		return "card";
	case GRABBER_FRAMING_PACKET:
		return "packet";
	case GRABBER_FRAMING_SLOT:
		return "slot";
	default:
		return "unknown";
	}
}

static const char *framing_words(uint32_t framing)
{
	switch (framing) {
	case GRABBER_FRAMING_PACKET:
		return "a packet of the stream is a frame";
	case GRABBER_FRAMING_SLOT:
		return "a slot full of the stream is a frame";
	default:
		return "the card says where frames begin and end";
	}
}

static void print_frames(const struct grabber_format *format)
{
	char fourcc[FOURCC_TEXT];
	const char *words = fourcc_words(format->pixelformat);

	printf("Frames\n");
	if (format->width && format->height)
		printf("  size              %" PRIu32 " x %" PRIu32 " pixels\n",
		       format->width, format->height);
	else
		printf("  size              unknown to the driver\n");
	printf("  pixel format      %s%s%s%s\n", fourcc_text(format->pixelformat, fourcc),
	       *words ? " (" : "", words, *words ? ")" : "");
	if (format->bytesperline)
		printf("  line              %" PRIu32 " bytes\n", format->bytesperline);
	printf("  frame             %" PRIu32 " bytes\n", format->sizeimage);
}

static void print_stats(const struct grabber_stats *stats)
{
	printf("Frames since the driver found the card\n"
	       "  begun             %" PRIu64 "\n"
	       "  delivered         %" PRIu64 "\n"
	       "  truncated         %" PRIu64 " (longer than a slot)\n"
	       "  dropped           %" PRIu64 " (no slot was free)\n"
	       "  dropped           %" PRIu64 " (DMA or engine errors)\n"
	       "  dropped           %" PRIu64 " (unfinished at a stop)\n"
	       "  lost by the card  %" PRIu64 "\n"
	       "  stream held back  %" PRIu64 " times\n",
	       (uint64_t)stats->begun, (uint64_t)stats->delivered, (uint64_t)stats->truncated,
	       (uint64_t)stats->dropped_no_slot, (uint64_t)stats->dropped_error,
	       (uint64_t)stats->dropped_stop, (uint64_t)stats->lost_by_card,
	       (uint64_t)stats->stalls);
}

static void print_text(const struct card *card)
{
	const struct grabber_info *info = &card->info;
	const struct grabber_buffer *buffer = &card->buffer;

	printf("grabber%" PRIu32 "\n"
	       "  board             %s\n"
	       "  bus               %s\n",
	       info->card, info->board, info->bus);
	if (info->channels > 1)
		printf("  channel           %" PRIu32 " of %" PRIu32 "\n", info->channel, info->channels);
	if (info->serial)
		printf("  serial number     %" PRIu64 "\n", (uint64_t)info->serial);
	else
		printf("  serial number     none\n");
	printf("  driver            %s, interface version %" PRIu32 "\n"
	       "  state             %s\n",
	       info->driver, info->abi_version,
	       info->flags & GRABBER_INFO_STREAMING ? "streaming" : "idle");
	print_frames(&card->format);
	printf("  framing           %s (%s)\n", framing_word(info->framing),
	       framing_words(info->framing));
	printf("Buffer\n"
	       "  slots             %" PRIu32 " of %" PRIu32 " bytes, one every %" PRIu64 " bytes\n"
	       "  largest slot      %" PRIu32 " bytes can be expected here\n"
	       "  mapping           %" PRIu64 " bytes\n"
	       "  held now          %" PRIu32 " of at most %" PRIu32 " slots\n"
	       "  readers           %" PRIu32 ", this one included\n",
	       buffer->slots, buffer->slot_size, (uint64_t)buffer->stride, info->slot_size_max,
	       (uint64_t)buffer->mmap_size, card->stats.held, buffer->hold_total,
	       card->stats.readers);
	printf("Registers\n");
	if (info->bar_size)
		printf("  window            BAR %" PRIu32 ", %" PRIu64 " bytes, of which %" PRIu64 " can be mapped%s\n",
		       info->bar_index, (uint64_t)info->bar_size, (uint64_t)info->bar_mmap_size,
		       info->flags & GRABBER_INFO_BAR_PREFETCHABLE ? ", prefetchable" : "");
	else
		printf("  window            none\n");
	if (info->irq_lines)
		printf("  interrupt lines   %" PRIu32 "\n", info->irq_lines);
	print_stats(&card->stats);
	if (info->flags & GRABBER_INFO_LOSS_UNSEEN)
		printf("  (what this card loses itself cannot be seen: 0 is no proof)\n");
}

#define NUMBER(from, name)	json_number(#name, (from)->name, ",")
#define LAST_NUMBER(from, name)	json_number(#name, (from)->name, "")

static void print_json(const struct card *card)
{
	const struct grabber_info *info = &card->info;
	const struct grabber_format *format = &card->format;
	const struct grabber_buffer *buffer = &card->buffer;
	const struct grabber_stats *stats = &card->stats;
	char fourcc[FOURCC_TEXT];

	printf("{\n  \"info\": {\n");
	NUMBER(info, abi_version);
	NUMBER(info, card);
	json_string("driver", info->driver, ",");
	json_string("board", info->board, ",");
	json_string("bus", info->bus, ",");
	NUMBER(info, serial);
	NUMBER(info, bar_size);
	NUMBER(info, bar_mmap_size);
	NUMBER(info, bar_index);
	NUMBER(info, channel);
	NUMBER(info, channels);
	json_string("framing", framing_word(info->framing), ",");
	NUMBER(info, slot_size_max);
	printf("    \"loss_unseen\": %s,\n",
	       info->flags & GRABBER_INFO_LOSS_UNSEEN ? "true" : "false");
	NUMBER(info, irq_lines);
	printf("    \"bar_prefetchable\": %s,\n",
	       info->flags & GRABBER_INFO_BAR_PREFETCHABLE ? "true" : "false");
	printf("    \"streaming\": %s\n  },\n  \"format\": {\n",
	       info->flags & GRABBER_INFO_STREAMING ? "true" : "false");
	NUMBER(format, width);
	NUMBER(format, height);
	json_string("fourcc", fourcc_text(format->pixelformat, fourcc), ",");
	NUMBER(format, pixelformat);
	NUMBER(format, bytesperline);
	LAST_NUMBER(format, sizeimage);
	printf("  },\n  \"buffer\": {\n");
	NUMBER(buffer, slots);
	NUMBER(buffer, slot_size);
	NUMBER(buffer, stride);
	NUMBER(buffer, mmap_size);
	NUMBER(buffer, hold_max);
	LAST_NUMBER(buffer, hold_total);
	printf("  },\n  \"stats\": {\n");
	NUMBER(stats, begun);
	NUMBER(stats, delivered);
	NUMBER(stats, truncated);
	NUMBER(stats, dropped_no_slot);
	NUMBER(stats, dropped_error);
	NUMBER(stats, dropped_stop);
	NUMBER(stats, lost_by_card);
	NUMBER(stats, stalls);
	NUMBER(stats, held);
	LAST_NUMBER(stats, readers);
	printf("  }\n}\n");
}

int verb_info(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "[DEVICE]", doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };
	struct card card = { 0 };
	unsigned int number;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);

	if (device_find(arguments.device, &number) || query(number, &card))
		return EXIT_FAILED;
	if (arguments.json)
		print_json(&card);
	else
		print_text(&card);
	return EXIT_SUCCESS;
}
