// SPDX-License-Identifier: GPL-2.0-only
/* Memory for the frame buffers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "doctor.h"
#include "doctor_root.h"
#include "sysfs.h"

#define MIB	(1 << 20)

/* Below this part of all memory, other programs are short of it. */
#define LITTLE	16

/* Bytes of a line such as "MemAvailable:    1234 kB"; 0 where there is none. */
static uint64_t memory(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

static uint64_t buffer_bytes(const struct sysfs_card *card)
{
	uint64_t page = sysconf(_SC_PAGESIZE);

	return card->slots * ((card->slot_size + page - 1) / page * page);
}

static void check_card(struct doctor *doctor, unsigned int number, uint64_t available, bool little)
{
	struct sysfs_card card;
	char name[32];
	uint64_t bytes;
	int error = sysfs_card(number, &card);

	snprintf(name, sizeof(name), "grabber%u", number);
	bytes = error ? 0 : buffer_bytes(&card);
	if (error)
		doctor_tell(doctor, "memory", name, DOCTOR_UNKNOWN, NULL,
			    "cannot tell how large its buffer is: the driver is older than this grabberctl, or the card has just gone");
	else if (little && card.slots > 2)
		doctor_tell(doctor, "memory", name, DOCTOR_WARNING,
			    doctor_mend("grabberctl buffer --slots %u %s", card.slots / 2, name),
			    "the buffer takes %" PRIu64 " MiB, and only %" PRIu64 " MiB are left for everything else: end programs, or have a smaller buffer",
			    bytes / MIB, available / MIB);
	else if (little)
		doctor_tell(doctor, "memory", name, DOCTOR_WARNING, NULL,
			    "only %" PRIu64 " MiB are left beside the buffer of %" PRIu64 " MiB: end programs that take much memory",
			    available / MIB, bytes / MIB);
	else
		/* What the driver leaves to others is a sixteenth. */
		doctor_tell(doctor, "memory", name, DOCTOR_OK, NULL,
			    "the buffer has %u slots of %u bytes and takes %" PRIu64 " MiB; a buffer of up to %" PRIu64 " MiB could be had beside it",
			    card.slots, card.slot_size, bytes / MIB,
			    available / 16 * 15 / MIB);
}

void doctor_check_memory(struct doctor *doctor)
{
	uint64_t total, available;
	unsigned int *cards;
	char text[4096];
	int length = root_read(text, sizeof(text), "/proc/meminfo"), count;
	bool little;

	total = memory(text, "MemTotal:");
	available = memory(text, "MemAvailable:");
	if (length < 0 || !total || !strstr(text, "MemAvailable:")) {
		doctor_tell(doctor, "memory", "", DOCTOR_UNKNOWN, NULL,
			    "cannot tell: /proc/meminfo: %s",
			    length < 0 ? doctor_why(doctor, length) : "has an unknown form");
		return;
	}
	little = available < total / LITTLE;
	count = device_all(&cards);
	for (int i = 0; i < count; i++)
		check_card(doctor, cards[i], available, little);
	free(cards);
	if (count <= 0)
		doctor_tell(doctor, "memory", "", little ? DOCTOR_WARNING : DOCTOR_OK, NULL,
			    "%" PRIu64 " of %" PRIu64 " MiB are available%s", available / MIB,
			    total / MIB, little ? ": end programs that take much memory" : "");
}
