// SPDX-License-Identifier: GPL-2.0-only
/*
 * A START that fails, and the next one that does not: slots that are held in between
 * stay with who holds them. The test that runs this has the first START fail when this
 * says READY, and the next one succeed when it says FAILED; a line on standard input
 * says that this is so.
 *
 * failed_start [CARD]
 */
#include "card.h"
#include "frame_check.h"

#define SLOTS_MAX 16

static void wait_for_line(const char *what)
{
	char line[32];

	tap_note("%s", what);
	CHECK(fgets(line, sizeof(line), stdin));
}

static struct stage {
	int fd;
	const uint8_t *map;
	struct grabber_buffer buffer;
	struct frame_check *check;
	uint64_t sums[SLOTS_MAX], last;
	bool held[SLOTS_MAX];
} stage;

/* Takes a frame, of a slot that nobody holds. */
static struct grabber_take take_good(void)
{
	struct grabber_take take = must_take(stage.fd);
	uint32_t number;

	CHECK_MSG(!stage.held[take.slot], "slot %u has a new frame while it is held", take.slot);
	CHECK(frame_check(stage.check, stage.map + take.offset, take.bytes, &number));
	EXPECT(!stage.last || take.sequence > stage.last);
	stage.last = take.sequence;
	return take;
}

static uint64_t sum_of(uint32_t slot)
{
	return checksum(stage.map + slot * stage.buffer.stride, get_format(stage.fd).sizeimage);
}

static void hold(struct grabber_take take)
{
	stage.held[take.slot] = true;
	stage.sums[take.slot] = sum_of(take.slot);
}

TEST_LIMIT(held_slots_stay, 200)
{
	struct grabber_take take;

	stage.fd = open_frames(O_RDWR);
	stage.map = map_frames(stage.fd, PROT_READ);
	stage.buffer = get_buffer(stage.fd);
	stage.check = frame_check_open(stage.fd);
	CHECK(stage.buffer.hold_max >= 5 && stage.buffer.slots <= SLOTS_MAX);
	hold(take_good());
	hold(take_good());
	CHECK(ioctl(stage.fd, GRABBER_IOC_STOP) == 0);

	wait_for_line("READY");
	EXPECT_ERRNO(ioctl(stage.fd, GRABBER_IOC_START), EIO);
	wait_for_line("FAILED");
	CHECK(ioctl(stage.fd, GRABBER_IOC_START) == 0);
	/* A board that has slots from before as well has these twice. */
	take = take_good();
	while (!(take.frame_flags & GRABBER_FRAME_DISCONTINUITY)) {
		must_give(stage.fd, take.slot);
		take = take_good();
	}
	hold(take);
	hold(take_good());
	for (uint32_t i = 0; i < 2 * stage.buffer.slots; i++)
		must_give(stage.fd, take_good().slot);
	for (uint32_t slot = 0; slot < stage.buffer.slots; slot++) {
		if (!stage.held[slot])
			continue;
		EXPECT_MSG(sum_of(slot) == stage.sums[slot],
			   "slot %u was written while it was held", slot);
		must_give(stage.fd, slot);
	}
	CHECK(ioctl(stage.fd, GRABBER_IOC_STOP) == 0);
	check_sums(get_stats(stage.fd));
}
