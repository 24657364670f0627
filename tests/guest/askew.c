// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets so short that each leaves descriptors of its slot to those behind it: more of
 * them than the video source's log has entries. A frame's number is never another's.
 *
 * askew [CARD]
 */
#define FAULT_REGISTERS_ONLY
#include "../card/faults.h"

#include "../card/chart.h"
#include "card.h"
#include "video_source.h"

#define BYTES 1024	/* of a short packet: the number is in it */

TEST_LIMIT(packets_behind_a_short_one, 200)
{
	int fd = open_frames(O_RDONLY), bar = open_bar(O_RDWR), good = 0;
	const uint8_t *map = map_frames(fd, PROT_READ);
	uint32_t size = get_format(fd).sizeimage, card = bar_read32(bar, FAULT_BEGUN);
	struct grabber_stats before = get_stats(fd), after;
	uint64_t offset = 0, last = 0;
	bool first = true;

	CHECK(is_video_source(bar) && bar_read32(bar, FAULT_ID) == FAULT_ID_MAGIC);
	for (int round = 0; round < 5; round++) {
		bar_write32(bar, FAULT_LENGTH_DELTA, BYTES - size);
		bar_write32(bar, FAULT_LENGTH_FRAMES, 3 * VS_LOG_ENTRIES);
		for (good = 0; good < 10 || bar_read32(bar, FAULT_LENGTH_FRAMES); good++) {
			struct grabber_take take = must_take(fd);
			uint64_t number = chart_stamp(map + take.offset);

			CHECK(take.bytes == (take.frame_flags & GRABBER_FRAME_SHORT ? BYTES : size));
			if (!first)
				CHECK_MSG(take.sequence > last && number - take.sequence == offset,
					  "frame %llu is %llu to the card, %llu to the frame before",
					  (unsigned long long)take.sequence,
					  (unsigned long long)number,
					  (unsigned long long)(take.sequence + offset));
			first = false;
			last = take.sequence;
			offset = number - take.sequence;
			if (take.frame_flags & GRABBER_FRAME_SHORT)
				good = 0;
			must_give(fd, take.slot);
		}
	}
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	after = get_stats(fd);
	print_stats("after", &after);
	check_sums(after);
	card = bar_read32(bar, FAULT_BEGUN) - card;
	EXPECT_MSG(after.begun - before.begun == card, "the driver counts %llu frames, the card %u",
		   (unsigned long long)(after.begun - before.begun), card);
}
