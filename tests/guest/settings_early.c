// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card's settings are in force before anybody can open its nodes: this program tries to
 * open them again and again, from before they are there, so it comes as early as one can.
 *
 *	settings_early CARD SLOTS SLOT_SIZE WIDTH FRAMING
 *
 * 0 for what need not be looked at.
 */
#include <sched.h>

#include "card.h"

static unsigned int wanted(int word)
{
	return strtoul(tap_argv[word], NULL, 10);
}

static int open_first(bool bar)
{
	const char *path = node_path(card_number(), bar);
	unsigned long tries = 0;
	int fd;

	for (;;) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			break;
		CHECK_MSG(errno == ENOENT || errno == ENXIO || errno == ENODEV, "open: %s",
			  strerror(errno));
		if (!tries++) {
			tap_note("%s is not there yet", path);
			fflush(stdout);
		}
		sched_yield();
	}
	tap_note("open after %lu tries", tries);
	CHECK_MSG(tries, "%s was there before", path);
	return fd;
}

TEST_LIMIT(the_first_to_open_sees_them, 900)
{
	int fd = open_first(false);
	struct grabber_buffer buffer = get_buffer(fd);
	struct grabber_format format = get_format(fd);
	struct grabber_info info = get_info(fd);

	if (wanted(2))
		EXPECT_MSG(buffer.slots == wanted(2), "%u slots", buffer.slots);
	if (wanted(3))
		EXPECT_MSG(buffer.slot_size == wanted(3), "slots of %u bytes", buffer.slot_size);
	if (wanted(4))
		EXPECT_MSG(format.width == wanted(4), "%u pixels", format.width);
	if (wanted(5))
		EXPECT_MSG(info.framing == wanted(5), "framing %u", info.framing);
	close(fd);
}
