// SPDX-License-Identifier: GPL-2.0-only
/*
 * No frame is older than its data. The buffer is watched: whoever did not find a
 * frame whole in its slot knows that its time is still to come.
 *
 * stamps CARD FRAMES
 */
#include <grabber.h>

#include "../card/chart.h"
#include "card.h"

#define SLOTS_MAX 64

static struct grabber_reader reader;
static struct grabber_format format;

/* A slot, and the last moment in which what it shows was not whole. */
struct watched {
	uint32_t number;
	int64_t not_before;
	bool judged;
};

/* The number that the last line of a slot's frame has; anything while that is written. */
static uint32_t last_line(uint32_t slot)
{
	return chart_stamp(reader.map + slot * reader.buffer.stride +
			   (size_t)(format.height - 1) * format.bytesperline);
}

/* Its time, if the frame is in the ring. */
static bool time_of(uint32_t slot, uint32_t number, int64_t *time)
{
	const struct grabber_status_slot *entry = &reader.entries[slot];
	uint64_t generation = __atomic_load_n(&entry->generation, __ATOMIC_ACQUIRE);

	if (generation % 2)
		return false;
	*time = __atomic_load_n(&entry->timestamp_ns, __ATOMIC_RELAXED);
	if (last_line(slot) != number)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&entry->generation, __ATOMIC_RELAXED) == generation;
}

static void watch(struct watched *watched, uint32_t slot, int *judged)
{
	int64_t now = now_ns(), time;
	uint32_t number = last_line(slot);

	if (number != watched->number) {
		/* At @now it was not this one yet, or it was not seen before. */
		watched->judged = !watched->not_before;
		watched->number = number;
		return;
	}
	if (!watched->judged && time_of(slot, number, &time)) {
		watched->judged = true;
		++*judged;
		EXPECT_MSG(time >= watched->not_before,
			   "frame %u has a time %lld us before it was whole", number,
			   (long long)((watched->not_before - time) / 1000));
	}
	if (watched->judged)
		watched->not_before = now;
}

TEST_LIMIT(stamps, 200)
{
	static struct watched watched[SLOTS_MAX];
	int frames = tap_argc > 2 ? atoi(tap_argv[2]) : 200, judged = 0;
	int64_t end = now_ns() + 150 * NS_PER_S;

	CHECK(!grabber_open(&reader, node_path(card_number(), false)));
	CHECK(reader.buffer.slots <= SLOTS_MAX);
	format = get_format(reader.fd);
	CHECK(!grabber_start(&reader));
	while (judged < frames && now_ns() < end)
		for (uint32_t slot = 0; slot < reader.buffer.slots; slot++)
			watch(&watched[slot], slot, &judged);
	tap_note("%d frames were seen coming", judged);
	EXPECT_MSG(judged >= frames, "only %d frames were seen coming", judged);
}

/* One after the other, and none from the future. */
TEST(in_order)
{
	int fd = open_frames(O_RDONLY), frames = tap_argc > 2 ? atoi(tap_argv[2]) : 200;
	uint64_t last = 0;

	while (frames--) {
		struct grabber_take take = must_take(fd);

		EXPECT(take.timestamp_ns >= last && take.timestamp_ns <= (uint64_t)now_ns());
		last = take.timestamp_ns;
		must_give(fd, take.slot);
	}
}
