// SPDX-License-Identifier: GPL-2.0-only
/*
 * What board xdma makes of a card that misbehaves: frames too long or too short,
 * skipped frames, lost interrupts, engine errors. The virtual card does each on
 * demand.
 */
#define FAULT_REGISTERS_ONLY
#include "../card/faults.h"

#include "card.h"
#include "frame_check.h"
#include "video_source.h"

/* A stream under way, and faults at hand. */
struct stage {
	int fd, bar;
	uint8_t *map;
	struct grabber_buffer buffer;
	uint32_t sizeimage;
	struct frame_check *check;
	struct grabber_stats before;
	uint64_t card_before;
};

/* Bytes behind a slot's end, up to the next page: nobody's, and so a tripwire. */
static uint8_t *tail(const struct stage *stage, uint32_t slot, size_t *bytes)
{
	*bytes = stage->buffer.stride - stage->buffer.slot_size;
	return stage->map + slot * stage->buffer.stride + stage->buffer.slot_size;
}

static struct stage set_stage(void)
{
	struct stage stage = { .fd = open_frames(O_RDWR), .bar = open_bar(O_RDWR) };
	size_t bytes;

	CHECK(is_video_source(stage.bar));
	CHECK_MSG(bar_read32(stage.bar, FAULT_ID) == FAULT_ID_MAGIC, "this card has no faults");
	stage.map = map_frames(stage.fd, PROT_READ | PROT_WRITE);
	stage.buffer = get_buffer(stage.fd);
	stage.sizeimage = get_format(stage.fd).sizeimage;
	stage.check = frame_check_open(stage.fd);
	for (uint32_t slot = 0; slot < stage.buffer.slots; slot++) {
		uint8_t *at = tail(&stage, slot, &bytes);

		CHECK_MSG(bytes > 0, "slots without a tail: choose another frame size");
		memset(at, 0x3c, bytes);
	}
	stage.before = get_stats(stage.fd);
	stage.card_before = bar_counter(stage.bar, VS_BEGUN);
	must_give(stage.fd, must_take(stage.fd).slot);
	return stage;
}

/* Every frame from now on is right again; stop, and see that all adds up. */
static struct grabber_stats end_stage(struct stage *stage)
{
	struct grabber_stats stats;
	int good = 0;

	CHECK(ioctl(stage->fd, GRABBER_IOC_START) == 0);

	for (int i = 0; i < 200 && good < 8; i++) {
		struct grabber_take take = must_take(stage->fd);
		uint32_t number;

		if (take.frame_flags & (GRABBER_FRAME_TRUNCATED | GRABBER_FRAME_SHORT))
			good = 0;
		else if (frame_check(stage->check, stage->map + take.offset, take.bytes, &number))
			good++;
		must_give(stage->fd, take.slot);
	}
	EXPECT_MSG(good == 8, "no eight good frames in a row after the fault");
	CHECK(ioctl(stage->fd, GRABBER_IOC_STOP) == 0);
	stats = get_stats(stage->fd);
	print_stats("after", &stats);
	check_sums(stats);
	EXPECT_MSG(stats.begun - stage->before.begun ==
		   bar_counter(stage->bar, VS_BEGUN) - stage->card_before,
		   "the driver counts %llu frames, the card %llu",
		   (unsigned long long)(stats.begun - stage->before.begun),
		   (unsigned long long)(bar_counter(stage->bar, VS_BEGUN) - stage->card_before));
	for (uint32_t slot = 0; slot < stage->buffer.slots; slot++) {
		size_t bytes;
		uint8_t *at = tail(stage, slot, &bytes);

		for (size_t i = 0; i < bytes; i++)
			CHECK_MSG(at[i] == 0x3c, "byte %zu behind the end of slot %u was written",
				  i, slot);
	}
	EXPECT(bar_read32(stage->bar, FAULT_WRITES_REFUSED) == 0);
	EXPECT(bar_read32(stage->bar, FAULT_READS_REFUSED) == 0);
	EXPECT_MSG(bar_read32(stage->bar, FAULT_RULE_BREAKS) == 0,
		   "the driver used the core as PG195 forbids, %u times",
		   bar_read32(stage->bar, FAULT_RULE_BREAKS));
	return stats;
}

static void wrong_length(const struct stage *stage, int32_t by, uint32_t frames)
{
	bar_write32(stage->bar, FAULT_LENGTH_DELTA, by);
	bar_write32(stage->bar, FAULT_LENGTH_FRAMES, frames);
}

/* Frames with this flag, each of so many bytes, and as many as were asked for. */
static void expect_flagged(const struct stage *stage, uint32_t flag, uint32_t bytes, int frames)
{
	int seen = 0;

	for (int i = 0; i < 60 && seen < frames; i++) {
		struct grabber_take take = must_take(stage->fd);

		if (take.frame_flags & flag) {
			EXPECT_MSG(take.bytes == bytes, "a flagged frame of %u bytes, not %u",
				   take.bytes, bytes);
			seen++;
		} else {
			EXPECT_MSG(take.bytes == stage->sizeimage,
				   "a frame of %u bytes without a flag", take.bytes);
		}
		must_give(stage->fd, take.slot);
	}
	EXPECT_MSG(seen == frames, "%d frames have flag %#x, not %d", seen, flag, frames);
}

static void too_long(int32_t by)
{
	struct stage stage = set_stage();
	struct grabber_stats stats;

	wrong_length(&stage, by, 5);
	expect_flagged(&stage, GRABBER_FRAME_TRUNCATED, stage.buffer.slot_size, 5);
	stats = end_stage(&stage);
	EXPECT(stats.truncated - stage.before.truncated == 5);
	EXPECT(stats.dropped_error == stage.before.dropped_error);
}

TEST(too_long_by_a_little)
{
	too_long(1);
	too_long(64);
	too_long(100);
}

TEST(too_long_by_a_page)
{
	too_long(4096);
}

TEST(twice_as_long)
{
	int fd = open_frames(O_RDONLY);
	uint32_t size = get_format(fd).sizeimage;

	close(fd);
	too_long(size);
}

TEST(five_times_as_long)
{
	int fd = open_frames(O_RDONLY);
	uint32_t size = get_format(fd).sizeimage;

	close(fd);
	too_long(4 * size + 12);
}

static void too_short(uint32_t by)
{
	struct stage stage = set_stage();
	struct grabber_stats stats;

	wrong_length(&stage, -(int32_t)by, 5);
	expect_flagged(&stage, GRABBER_FRAME_SHORT, stage.sizeimage - by, 5);
	stats = end_stage(&stage);
	EXPECT(stats.truncated == stage.before.truncated);
	EXPECT(stats.dropped_error == stage.before.dropped_error);
}

TEST(too_short_by_a_little)
{
	too_short(1);
	too_short(64);
	too_short(1000);
}

TEST(half_a_frame)
{
	int fd = open_frames(O_RDONLY);
	uint32_t size = get_format(fd).sizeimage;

	close(fd);
	too_short(size / 2);
	too_short(size - 1);
}

TEST(read_honours_the_length)
{
	struct stage stage = set_stage();
	uint8_t *frame = malloc(stage.buffer.slot_size);
	int seen = 0;

	wrong_length(&stage, -1000, 3);
	for (int i = 0; i < 30 && seen < 3; i++) {
		ssize_t got = read(stage.fd, frame, stage.buffer.slot_size);

		CHECK(got > 0);
		seen += got == (ssize_t)stage.sizeimage - 1000;
	}
	EXPECT_MSG(seen == 3, "read() gave %d short frames, not 3", seen);
	end_stage(&stage);
}

TEST(skipped_by_the_card)
{
	struct stage stage = set_stage();
	struct grabber_take take = must_take(stage.fd);
	uint64_t last = take.sequence, jumps = 0;
	struct grabber_stats stats;

	must_give(stage.fd, take.slot);
	bar_write32(stage.bar, FAULT_SKIP, 7);
	for (int i = 0; i < 15; i++) {
		take = must_take(stage.fd);
		jumps += take.sequence - last - 1 - take.missed;
		if (take.sequence - last - 1 - take.missed)
			EXPECT_MSG(take.frame_flags & GRABBER_FRAME_DISCONTINUITY,
				   "frames are lost before frame %llu, and no flag says so",
				   (unsigned long long)take.sequence);
		last = take.sequence;
		must_give(stage.fd, take.slot);
	}
	stats = end_stage(&stage);
	EXPECT_MSG(jumps >= 7, "the sequence jumped by %llu, not 7", (unsigned long long)jumps);
	/* The source counts them as overruns: to the driver, no slot was there in time. */
	EXPECT(stats.lost_by_card - stage.before.lost_by_card + stats.dropped_no_slot -
	       stage.before.dropped_no_slot >= 7);
	EXPECT(stats.dropped_error == stage.before.dropped_error);
}

/* The frames that came are found without their interrupts, and none is lost twice. */
TEST(lost_interrupts)
{
	struct stage stage = set_stage();

	for (int i = 0; i < 4; i++) {
		bar_write32(stage.bar, FAULT_LOSE_INTERRUPTS, 1 + i);
		for (int j = 0; j < 3; j++)
			must_give(stage.fd, must_take(stage.fd).slot);
	}
	EXPECT(end_stage(&stage).dropped_error == stage.before.dropped_error);
}

static void engine_error(uint32_t error)
{
	struct stage stage = set_stage();
	bool flagged = false;

	bar_write32(stage.bar, FAULT_ENGINE_ERROR, error);
	for (int i = 0; i < 40 && !flagged; i++) {
		struct grabber_take take = must_take(stage.fd);

		flagged = take.frame_flags & GRABBER_FRAME_DISCONTINUITY;
		must_give(stage.fd, take.slot);
	}
	EXPECT_MSG(flagged, "no frame after the engine error %u says that some were lost", error);
	end_stage(&stage);
}

TEST(engine_error_magic)
{
	engine_error(FAULT_ERROR_MAGIC);
}

TEST(engine_error_descriptor)
{
	engine_error(FAULT_ERROR_DESCRIPTOR);
}

TEST(engine_error_read)
{
	engine_error(FAULT_ERROR_READ);
}

/* An engine that does not move: stopping ends all the same, and starting helps. */
TEST(stuck_engine)
{
	struct stage stage = set_stage();
	int64_t start;

	bar_write32(stage.bar, FAULT_STUCK, 1);
	sleep_ms(300);
	start = now_ns();
	CHECK(ioctl(stage.fd, GRABBER_IOC_STOP) == 0);
	EXPECT_MSG(now_ns() - start < 5 * NS_PER_S, "STOP took %lld ms",
		   (long long)((now_ns() - start) / NS_PER_MS));
	bar_write32(stage.bar, FAULT_STUCK, 0);
	end_stage(&stage);
}
