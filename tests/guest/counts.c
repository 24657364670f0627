// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is counted where interrupts are lost and the source's own numbers make no sense:
 * each frame that the card began is counted once, and none that it did not begin.
 */
#define FAULT_REGISTERS_ONLY
#include "../card/faults.h"

#include "../card/chart.h"
#include "card.h"
#include "video_source.h"

struct stage {
	int fd, bar;
	const uint8_t *map;
	struct grabber_stats before;
	uint32_t card_before;
	uint64_t last_sequence;
	bool flagged;
	int64_t offset;		/* of the card's numbers from the driver's */
};

/* The card's own total, which no reset of the source touches. */
static uint32_t begun_by_card(const struct stage *stage)
{
	return bar_read32(stage->bar, FAULT_BEGUN);
}

/* Capture is off, and the card has nothing on its way. */
static struct stage set_stage(void)
{
	struct stage stage = { .fd = open_frames(O_RDONLY), .bar = open_bar(O_RDWR) };

	CHECK(is_video_source(stage.bar));
	CHECK_MSG(bar_read32(stage.bar, FAULT_ID) == FAULT_ID_MAGIC, "this card has no faults");
	stage.map = map_frames(stage.fd, PROT_READ);
	stage.before = get_stats(stage.fd);
	stage.card_before = begun_by_card(&stage);
	stage.last_sequence = ~0ULL;
	return stage;
}

/* Some frames, whose sequence rises by no more than the card can have begun. */
static void take_some(struct stage *stage, int frames)
{
	while (frames--) {
		struct grabber_take take = must_take(stage->fd);
		uint64_t last = stage->last_sequence;

		if (last != ~0ULL)
			EXPECT_MSG(take.sequence > last && take.sequence - last <=
				   begun_by_card(stage) - stage->card_before,
				   "frame %llu follows %llu", (unsigned long long)take.sequence,
				   (unsigned long long)last);
		stage->flagged |= last != ~0ULL &&
				  take.frame_flags & GRABBER_FRAME_DISCONTINUITY;
		stage->last_sequence = take.sequence;
		stage->offset = (int64_t)chart_stamp(stage->map + take.offset) - take.sequence;
		must_give(stage->fd, take.slot);
	}
}

/* What was begun before is in the buffer yet: go on until it is seen. */
static void take_until_flagged(struct stage *stage)
{
	for (int i = 0; i < 5000 && !stage->flagged; i++)
		take_some(stage, 1);
	EXPECT_MSG(stage->flagged, "no frame has the discontinuity flag");
}

/* Stop; the driver may have counted so many frames fewer than the card began. */
static struct grabber_stats stop_and_count(struct stage *stage, uint32_t fewer)
{
	struct grabber_stats stats;
	uint64_t driver;
	uint32_t card;

	CHECK(ioctl(stage->fd, GRABBER_IOC_STOP) == 0);
	stats = get_stats(stage->fd);
	check_sums(stats);
	card = begun_by_card(stage) - stage->card_before;
	driver = stats.begun - stage->before.begun;
	EXPECT_MSG(driver <= card && driver + fewer >= card,
		   "the driver counts %llu frames, the card %u", (unsigned long long)driver, card);
	if (driver != card)
		print_stats("after", &stats);
	return stats;
}

TEST(skipped_while_stopped)
{
	struct stage stage = set_stage();
	struct grabber_stats stats;

	take_some(&stage, 3);
	CHECK(ioctl(stage.fd, GRABBER_IOC_STOP) == 0);
	bar_write32(stage.bar, FAULT_SKIP, 17);
	/* what came in before the stop may be there still */
	CHECK(ioctl(stage.fd, GRABBER_IOC_START) == 0);
	take_some(&stage, 10);
	stats = stop_and_count(&stage, 0);
	EXPECT(stats.lost_by_card - stage.before.lost_by_card == 17);
}

/* The numbers are the card's own, however late the driver sees the frames. */
TEST(lost_interrupts_and_many_slots)
{
	struct stage stage = set_stage();
	int64_t offset;

	CHECK(get_buffer(stage.fd).slots == 1024);
	take_some(&stage, 3);
	offset = stage.offset;
	for (int i = 0; i < 4; i++) {
		uint64_t begun;

		bar_write32(stage.bar, FAULT_LOSE_INTERRUPTS, 1);
		while (bar_read32(stage.bar, FAULT_LOSE_INTERRUPTS))
			sleep_ms(1);
		begun = get_stats(stage.fd).begun;
		while (get_stats(stage.fd).begun < begun + 100)
			sleep_ms(1);
		take_some(&stage, 300);
		EXPECT_MSG(stage.offset == offset, "frame %llu is %lld to the card",
			   (unsigned long long)stage.last_sequence,
			   (long long)(stage.last_sequence + stage.offset));
	}
	stop_and_count(&stage, 0);
}

/* The source counts from 0 again, while it runs. */
static struct stage counts_anew(void)
{
	struct stage stage = set_stage();

	take_some(&stage, 10);
	bar_write32(stage.bar, FAULT_COUNT_ANEW, 1);
	return stage;
}

/* Frames that the source had begun before it counted anew have numbers of no use. */
TEST(counts_anew_while_it_runs)
{
	struct stage stage = counts_anew();

	take_until_flagged(&stage);
	take_some(&stage, 40);
	stop_and_count(&stage, 4);
}

/* By the time that it is seen the source has begun more than before. */
TEST(counts_anew_and_overtakes)
{
	struct stage stage = counts_anew();

	bar_write32(stage.bar, FAULT_SKIP, 1000000);
	take_until_flagged(&stage);
	take_some(&stage, 40);
	CHECK(ioctl(stage.fd, GRABBER_IOC_STOP) == 0);
	check_sums(get_stats(stage.fd));
	EXPECT(get_stats(stage.fd).begun - stage.before.begun <=
	       begun_by_card(&stage) - stage.card_before);
}

TEST(counts_anew_while_stopped)
{
	struct stage stage = set_stage();

	take_some(&stage, 10);
	CHECK(ioctl(stage.fd, GRABBER_IOC_STOP) == 0);
	bar_write32(stage.bar, FAULT_COUNT_ANEW, 1);
	CHECK(ioctl(stage.fd, GRABBER_IOC_START) == 0);
	take_some(&stage, 20);
	stop_and_count(&stage, 0);
}

/* Nothing was begun since but what is on its way. */
TEST(counts_anew_just_before_the_stop)
{
	struct stage stage = counts_anew();

	stop_and_count(&stage, 4);
	CHECK(ioctl(stage.fd, GRABBER_IOC_START) == 0);
	take_some(&stage, 20);
	stop_and_count(&stage, 4);
}

/* One read is all ones: as it stops, and as it starts. */
static void all_ones(uint32_t at)
{
	struct stage stage = set_stage();

	take_some(&stage, 4);
	bar_write32(stage.bar, FAULT_SKIP, 3);
	bar_write32(stage.bar, FAULT_ONES_AT, at);
	stop_and_count(&stage, 0);
	bar_write32(stage.bar, FAULT_ONES_AT, at);
	CHECK(ioctl(stage.fd, GRABBER_IOC_START) == 0);
	take_some(&stage, 4);
	bar_write32(stage.bar, FAULT_ONES_AT, 0);
	stop_and_count(&stage, 0);
}

TEST(all_ones_in_begun)
{
	all_ones(VS_BEGUN);
	all_ones(VS_BEGUN + 4);
}

TEST(all_ones_in_overrun)
{
	all_ones(VS_OVERRUN);
	all_ones(VS_OVERRUN + 4);
}

TEST(all_ones_in_the_log)
{
	struct stage stage = set_stage();

	take_some(&stage, 4);
	bar_write32(stage.bar, FAULT_ONES_AT, VS_LOG + 9 * VS_LOG_ENTRY_SIZE + VS_LOG_SEQUENCE);
	for (int i = 0; i < 1000 && bar_read32(stage.bar, FAULT_ONES_AT); i++)
		take_some(&stage, 1);
	CHECK_MSG(!bar_read32(stage.bar, FAULT_ONES_AT), "nobody read the log");
	take_some(&stage, 10);
	EXPECT(!stage.flagged);
	stop_and_count(&stage, 0);
}
