// SPDX-License-Identifier: GPL-2.0-only
/*
 * A frame comes when TAKE has just looked and found none: it is given, or there is none yet,
 * but it is never one that could not be held. The test makes each look take its time.
 */
#include "card.h"

TEST_LIMIT(just_came, 120)
{
	int fd = open_frames(O_RDONLY);
	int64_t end = now_ns() + 8 * NS_PER_S;
	unsigned int given = 0, none = 0;

	while (now_ns() < end) {
		struct grabber_take take;
		int err = take_frame(fd, &take, 0);

		if (!err) {
			must_give(fd, take.slot);
			given++;
			continue;
		}
		CHECK_MSG(err == EAGAIN, "after %u frames TAKE says %s", given, strerror(err));
		none++;
	}
	tap_note("%u frames, and %u times none", given, none);
	EXPECT(given && none);
}
