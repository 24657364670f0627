// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader that missed the first frame after a break is told of the break by the next frame
 * it gets, also when there was another break since.
 */
#include "card.h"

#define SLOTS	16

/* The first frame after a new start, and those up to so many after it. */
static uint64_t start_and_take(int fd, unsigned int more)
{
	struct grabber_take take;
	uint64_t first;

	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	do {
		take = must_take(fd);
		must_give(fd, take.slot);
	} while (!(take.frame_flags & GRABBER_FRAME_DISCONTINUITY));
	first = take.sequence;
	while (more--)
		must_give(fd, must_take(fd).slot);
	return first;
}

/* Whether the reader came between the breaks, as it must for this test to say anything. */
static bool comes_between(int fd)
{
	int reader = open_frames(O_RDONLY);
	struct grabber_take take;
	uint64_t first, second;

	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	must_give(fd, must_take(fd).slot);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	first = start_and_take(fd, SLOTS / 2);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	second = start_and_take(fd, SLOTS / 2 - 2);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	take = must_take(reader);
	must_give(reader, take.slot);
	close(reader);
	tap_note("breaks at %llu and %llu, the reader comes at %llu", (unsigned long long)first,
		 (unsigned long long)second, (unsigned long long)take.sequence);
	if (take.sequence <= first || take.sequence >= second)
		return false;
	EXPECT(take.frame_flags & GRABBER_FRAME_DISCONTINUITY);
	return true;
}

TEST_LIMIT(two_breaks, 300)
{
	int fd = open_frames(O_RDWR);
	int tries = 20;

	CHECK(get_buffer(fd).slots == SLOTS);
	while (!comes_between(fd))
		CHECK_MSG(--tries, "the reader never came between the breaks");
}
