// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots smaller than a frame: what comes is the frame's beginning, cut off at
 * slot_size, flagged and counted, and nothing lies behind it.
 *
 * truncated CARD
 */
#include "../card/chart.h"
#include "card.h"

#define FRAMES 4
#define UNIT 64

static uint8_t *map;
static struct chart chart;

static void set_slots(int fd, uint32_t slots, uint32_t slot_size)
{
	struct grabber_buffer args = { .slots = slots, .slot_size = slot_size };

	CHECK_MSG(!ioctl(fd, GRABBER_IOC_SET_BUFFER, &args), "%u slots of %u bytes: %s", slots,
		  slot_size, strerror(errno));
}

static bool all_zero(const uint8_t *from, const uint8_t *to)
{
	while (from < to)
		if (*from++)
			return false;
	return true;
}

static void check_cut_frame(const struct grabber_buffer *layout, const struct grabber_take *take)
{
	const uint8_t *frame = map + take->offset;

	CHECK_MSG(take->frame_flags & GRABBER_FRAME_TRUNCATED, "not flagged as truncated");
	EXPECT(!(take->frame_flags & GRABBER_FRAME_SHORT));
	CHECK_MSG(take->bytes == layout->slot_size, "%u bytes, not the slot's %u", take->bytes,
		  layout->slot_size);
	EXPECT_MSG(!memcmp(frame, chart_render(&chart, chart_stamp(frame)), take->bytes),
		   "not the beginning of frame %u", chart_stamp(frame));
}

static void cut_at(int fd, uint32_t slots, uint32_t slot_size)
{
	struct grabber_stats before = get_stats(fd), after;
	struct grabber_buffer layout;
	uint64_t last = 0;

	set_slots(fd, slots, slot_size);
	layout = get_buffer(fd);
	CHECK(layout.slot_size == slot_size);
	map = map_frames(fd, PROT_READ);
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	for (int i = 0; i < FRAMES; i++) {
		struct grabber_take take = must_take(fd);

		check_cut_frame(&layout, &take);
		EXPECT(!last || take.sequence > last);
		last = take.sequence;
		must_give(fd, take.slot);
	}
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	after = get_stats(fd);
	check_sums(after);
	EXPECT_MSG(after.truncated - before.truncated >= FRAMES, "%llu counted as truncated",
		   (unsigned long long)(after.truncated - before.truncated));
	EXPECT_MSG(after.delivered == before.delivered, "%llu counted as whole",
		   (unsigned long long)(after.delivered - before.delivered));
	EXPECT(after.dropped_error == before.dropped_error);
	/* The card moves data in units, and ends the last one that it began. */
	for (uint32_t slot = 0; slot < slots; slot++)
		EXPECT_MSG(all_zero(map + slot * layout.stride + (slot_size + UNIT - 1) / UNIT * UNIT,
				    map + (slot + 1) * layout.stride),
			   "the card wrote behind the end of slot %u, of %u bytes", slot, slot_size);
	munmap(map, layout.mmap_size);
}

TEST_LIMIT(cut_at_the_end_of_the_slot, 180)
{
	int fd = open_frames(O_RDWR);
	struct grabber_format format = get_format(fd);
	uint32_t size = format.sizeimage;
	const uint32_t cuts[] = { size - 64, size / 2 / 64 * 64, 3 * PAGE, 3 * PAGE + 64, PAGE };

	CHECK(chart_init(&chart, format.width, format.height));
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		cut_at(fd, i % 2 ? 5 : 16, cuts[i]);
}

/* A slot can have any size, whatever units the card moves data in. */
TEST_LIMIT(cut_at_odd_sizes, 180)
{
	int fd = open_frames(O_RDWR);
	struct grabber_format format = get_format(fd);
	uint32_t size = format.sizeimage;
	const uint32_t cuts[] = { size - 1, size / 2 + 1, 3 * PAGE + 13, PAGE + 1001 };

	CHECK(chart_init(&chart, format.width, format.height));
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		cut_at(fd, i % 2 ? 5 : 16, cuts[i]);
}

/* Back to whole frames. */
TEST(whole_again)
{
	int fd = open_frames(O_RDWR);
	struct grabber_format format = get_format(fd);
	struct grabber_stats before;

	CHECK(chart_init(&chart, format.width, format.height));
	set_slots(fd, 8, 0);
	before = get_stats(fd);
	map = map_frames(fd, PROT_READ);
	for (int i = 0; i < 5; i++) {
		struct grabber_take take = must_take(fd);
		const uint8_t *frame = map + take.offset;

		EXPECT(!(take.frame_flags & (GRABBER_FRAME_TRUNCATED | GRABBER_FRAME_SHORT)));
		CHECK(take.bytes == format.sizeimage);
		EXPECT(!memcmp(frame, chart_render(&chart, chart_stamp(frame)), take.bytes));
		must_give(fd, take.slot);
	}
	EXPECT(get_stats(fd).truncated == before.truncated);
	check_sums(get_stats(fd));
}
