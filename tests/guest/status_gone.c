// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card leaves while it is read by the status page: the page says so, and it and
 * the frames that came before can still be read.
 *
 * status_gone [CARD]
 *
 * It says READY when the card may be taken away; after that it wants "gone" on its
 * standard input.
 */
#include <grabber.h>

#include "card.h"
#include "frame_check.h"

TEST_LIMIT(page_after_the_card_is_gone, 200)
{
	struct grabber_reader reader;
	struct grabber_frame frame;
	struct frame_check *check;
	struct grabber_stats stats;
	uint64_t first;
	uint32_t number;
	char line[16];
	int err;

	CHECK(!grabber_open_card(&reader, card_number()));
	check = frame_check_open(reader.fd);
	first = reader.next;
	for (int i = 0; i < 3; i++) {
		CHECK(!grabber_wait(&reader, 20 * NS_PER_S));
		CHECK(!grabber_next(&reader, &frame));
	}
	EXPECT(!(reader.status->flags & GRABBER_STATUS_GONE));
	printf("READY\n");
	fflush(stdout);
	CHECK(fgets(line, sizeof(line), stdin) && !strcmp(line, "gone\n"));

	EXPECT(reader.status->flags & GRABBER_STATUS_GONE);
	EXPECT(!(reader.status->flags & GRABBER_STATUS_STREAMING));
	/* All that came, as far as the ring had room, and then -ENODEV. */
	while (!(err = grabber_next(&reader, &frame))) {
		frame_check(check, frame.data, frame.bytes, &number);
		EXPECT(grabber_whole(&reader, &frame));
	}
	EXPECT_MSG(err == -ENODEV, "grabber_next() ended with %s", strerror(-err));
	EXPECT(reader.next == reader.status->frames);
	EXPECT(reader.delivered + reader.missed == reader.next - first);
	EXPECT(reader.delivered > 3);
	EXPECT(grabber_wait(&reader, 20 * NS_PER_S) == -ENODEV);
	EXPECT(grabber_take_frame(&reader, &frame, 0, -1) == -ENODEV);
	EXPECT(grabber_start(&reader) == -ENODEV);

	stats = get_stats(reader.fd);
	check_sums(stats);
	EXPECT(stats.begun == reader.status->begun);
	EXPECT(stats.delivered == reader.status->delivered);
	EXPECT(stats.dropped_stop == reader.status->dropped_stop);
	EXPECT(stats.reader_delivered == reader.delivered);
	EXPECT(stats.reader_missed == reader.missed);
	/* every page of it */
	checksum(reader.map, reader.buffer.mmap_size);
	grabber_close(&reader);
	EXPECT(grabber_open_card(&reader, card_number()) == -ENOENT);
}
