// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card that could not be started again is tried now and then. Once another program's START
 * succeeded, that is over: no frame is lost to one more attempt.
 *
 * started_again CARD: the card fails and is reset after READY, which a line tells of; it is
 * well when another line comes, after REFUSED
 */
#include <sys/wait.h>

#include "card.h"

static char line[64];

TEST_LIMIT(started_again, 200)
{
	struct grabber_stats before, after;
	int waits = open_frames(O_RDONLY), fd = open_frames(O_RDONLY);
	struct grabber_take take;
	int64_t start, end;

	CHECK(ioctl(waits, GRABBER_IOC_START) == 0);
	must_give(waits, must_take(waits).slot);
	printf("# READY\n");
	fflush(stdout);
	CHECK(fgets(line, sizeof(line), stdin));
	EXPECT_ERRNO(ioctl(waits, GRABBER_IOC_START), EIO);
	printf("# REFUSED\n");
	fflush(stdout);
	CHECK(fgets(line, sizeof(line), stdin));
	start = now_ns();
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	do {
		take = must_take(fd);
		must_give(fd, take.slot);
	} while ((int64_t)take.timestamp_ns < start);
	EXPECT(take.frame_flags & GRABBER_FRAME_DISCONTINUITY);
	after = get_stats(fd);
	/* The next attempt would have been within 8 s. */
	for (end = now_ns() + 10 * NS_PER_S; now_ns() < end; ) {
		take = must_take(fd);
		must_give(fd, take.slot);
		if (!(take.frame_flags & GRABBER_FRAME_DISCONTINUITY))
			continue;
		/* On a busy host the card may have had no room for a frame. */
		before = after;
		after = get_stats(fd);
		EXPECT_MSG(after.lost_by_card + after.dropped_no_slot >
			   before.lost_by_card + before.dropped_no_slot,
			   "capture was restarted before frame %llu",
			   (unsigned long long)take.sequence);
	}
}
