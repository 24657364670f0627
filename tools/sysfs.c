// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>

#include "counters.h"
#include "device.h"
#include "number.h"
#include "sysfs.h"
#include "textfile.h"

#define TRIES	10	/* to catch all counters between two frames */

/* An attribute without its line end. Returns its length, or -errno. */
static int read_text(unsigned int card, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/grabber%u/%s", GRABBER_CLASS_DIR, card, name);
	return textfile_read(path, text, size);
}

static int read_number(unsigned int card, const char *name, uint64_t max, uint64_t *value)
{
	char text[32];
	int length = read_text(card, name, text, sizeof(text));

	return length < 0 ? length : parse_number(text, max, value);
}

static int read_u32(unsigned int card, const char *name, __u32 *to)
{
	uint64_t value;
	int error = read_number(card, name, UINT32_MAX, &value);

	if (!error)
		*to = value;
	return error;
}

/* Four characters, any of which may be a blank or no ASCII; "unknown" has seven. */
static int read_pixelformat(unsigned int card, __u32 *to)
{
	unsigned char c[16];
	int length = read_text(card, "pixelformat", (char *)c, sizeof(c));

	if (length < 0)
		return length;
	*to = length == 4 ? v4l2_fourcc(c[0], c[1], c[2], (__u32)c[3]) : 0;
	return 0;
}

static int read_counter(unsigned int card, const struct counter *counter, uint64_t *value)
{
	char name[64];

	snprintf(name, sizeof(name), "stats/%s", counter->name);
	return read_number(card, name, UINT64_MAX, value);
}

/* Ends with "begun", with which it has begun. */
static int read_counters(unsigned int card, struct sysfs_card *to)
{
	uint64_t value;
	int error;

	error = read_counter(card, &counters[0], &value);
	to->begun_before = value;
	for (size_t i = 1; !error && i <= COUNTERS; i++) {
		error = read_counter(card, &counters[i % COUNTERS], &value);
		if (!error)
			counter_set(&to->stats, &counters[i % COUNTERS], value);
	}
	return error;
}

int sysfs_card(unsigned int card, struct sysfs_card *to)
{
	const struct {
		const char *name;
		__u32 *to;
	} numbers[] = {
		{ "width", &to->format.width },
		{ "height", &to->format.height },
		{ "sizeimage", &to->format.sizeimage },
		{ "slots", &to->slots },
		{ "slot_size", &to->slot_size },
		{ "held", &to->stats.held },
		{ "readers", &to->stats.readers },
	};
	uint64_t stalls = 0;
	int result;

	memset(to, 0, sizeof(*to));
	/* Of older drivers, and this is no reason to do without all else. */
	to->channels = 1;
	read_u32(card, "channel", &to->channel);
	read_u32(card, "channels", &to->channels);
	read_number(card, "stats/stalls", UINT64_MAX, &stalls);
	to->stats.stalls = stalls;
	result = read_text(card, "board", to->board, sizeof(to->board));
	if (result >= 0)
		result = read_text(card, "state", to->state, sizeof(to->state));
	if (result >= 0)
		result = read_pixelformat(card, &to->format.pixelformat);
	for (size_t i = 0; result >= 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		result = read_u32(card, numbers[i].name, numbers[i].to);
	for (int i = 0; result >= 0 && i < TRIES; i++) {
		result = read_counters(card, to);
		if (to->begun_before == to->stats.begun)
			break;
	}
	return result < 0 ? result : 0;
}
