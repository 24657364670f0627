// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers by the status page that look so slowly that the card overwrites the frame
 * meanwhile. Every line of the virtual card's chart has the frame's number, so what
 * was mixed is seen; grabber_whole() must have told of each.
 *
 * torn [CARD [SECONDS]]
 */
#include <grabber.h>

#include "../card/chart.h"
#include "card.h"

struct counts {
	uint64_t whole, torn, mixed, passed_over;
};

/* Milliseconds of a pause amid a frame: none, and up to many turns of the ring. */
static const unsigned int pauses[] = { 0, 1, 0, 3, 10, 0, 30, 100 };

/* Compares the lines' numbers with the first one's; a pause after a third of them. */
static bool one_number(const struct grabber_reader *reader, const struct grabber_frame *frame,
		       unsigned int pause_ms, bool upwards)
{
	uint32_t lines = reader->format.height, number = 0;
	bool same = true;

	for (uint32_t i = 0; i < lines; i++) {
		uint32_t y = upwards ? lines - 1 - i : i;
		uint32_t found = chart_stamp((const uint8_t *)frame->data +
					     (size_t)y * reader->format.bytesperline);

		if (!i)
			number = found;
		same &= found == number;
		if (i == lines / 3 && pause_ms)
			sleep_ms(pause_ms);
	}
	return same;
}

static void look_at(struct grabber_reader *reader, struct grabber_frame *frame, unsigned int turn,
		    struct counts *counts)
{
	static uint32_t number_less_sequence;
	uint32_t number;
	bool same;

	same = one_number(reader, frame, pauses[turn % 8], turn & 8);
	number = chart_stamp(frame->data) - (uint32_t)frame->sequence;
	counts->mixed += !same;
	if (!grabber_whole(reader, frame)) {
		counts->torn++;
		/* once torn, torn for good, and counted once */
		EXPECT(!grabber_whole(reader, frame) && frame->torn);
		return;
	}
	EXPECT_MSG(same, "frame %llu is mixed, but was said to be whole",
		   (unsigned long long)frame->sequence);
	if (!counts->whole++)
		number_less_sequence = number;
	EXPECT_MSG(number == number_less_sequence, "frame %llu has another frame's picture",
		   (unsigned long long)frame->sequence);
}

TEST_LIMIT(torn_frames_are_told, 300)
{
	int64_t end = now_ns() + (tap_argc > 2 ? atoi(tap_argv[2]) : 10) * NS_PER_S;
	struct counts counts = { 0 };
	struct grabber_reader reader;
	struct grabber_frame frame;
	uint64_t first, missed = 0, frames = 0;

	CHECK(!grabber_open_card(&reader, card_number()));
	first = reader.next;
	for (unsigned int turn = 0; now_ns() < end; turn++) {
		int err = grabber_wait(&reader, 10 * NS_PER_S);

		CHECK_MSG(!err, "grabber_wait(): %s", strerror(-err));
		err = turn % 3 ? grabber_next(&reader, &frame) : grabber_newest(&reader, &frame);
		if (err == -EAGAIN)
			continue;
		CHECK_MSG(!err, "grabber_next(): %s", strerror(-err));
		frames++;
		missed += frame.missed;
		look_at(&reader, &frame, turn, &counts);
		EXPECT(reader.delivered + reader.missed == reader.next - first);
	}
	missed += reader.missed_lately;
	tap_note("%llu frames: %llu whole, %llu torn, %llu seen mixed; %llu missed",
		 (unsigned long long)frames, (unsigned long long)counts.whole,
		 (unsigned long long)counts.torn, (unsigned long long)counts.mixed,
		 (unsigned long long)reader.missed);
	EXPECT(reader.delivered == counts.whole && counts.whole + counts.torn == frames);
	EXPECT_MSG(missed == reader.missed, "%llu were told to be missed, one by one",
		   (unsigned long long)missed);
	EXPECT_MSG(counts.whole > 5, "hardly a frame was whole: this proves little");
	EXPECT_MSG(counts.mixed > 5, "hardly a frame was seen mixed: this proves little");
	EXPECT(counts.torn >= counts.mixed);
}

/* A frame that is held does not change, however slow its reader is. */
TEST(held_frames_stay_whole)
{
	struct grabber_reader reader;
	struct grabber_frame frame;

	CHECK(!grabber_open_card(&reader, card_number()));
	for (int i = 0; i < 5; i++) {
		int err = grabber_take_frame(&reader, &frame, GRABBER_TAKE_NEWEST,
					     20 * NS_PER_S);

		CHECK_MSG(!err, "grabber_take_frame(): %s", strerror(-err));
		EXPECT(one_number(&reader, &frame, 300, i & 1));
		EXPECT(grabber_whole(&reader, &frame));
		CHECK(!grabber_give_frame(&reader, &frame));
	}
}
