// SPDX-License-Identifier: GPL-2.0-only
/* Slots that readers hold: limits, owners, and that none outlives its file. */
#include <signal.h>
#include <sys/wait.h>

#include "card.h"

static void expect_give_einval(int fd, uint32_t slot)
{
	struct grabber_give give = { .slot = slot };

	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_GIVE, &give), EINVAL);
}

TEST(take_tells_the_truth)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_buffer buffer = get_buffer(fd);
	struct grabber_format format = get_format(fd);
	uint64_t last_sequence = 0, last_time = 0;

	for (int i = 0; i < 4; i++) {
		struct grabber_take take = must_take(fd);

		EXPECT(take.slot < buffer.slots);
		EXPECT(take.offset == take.slot * buffer.stride);
		EXPECT(take.bytes > 0 && take.bytes <= buffer.slot_size);
		if (format.sizeimage)
			EXPECT_MSG(take.bytes == format.sizeimage, "frame of %u bytes, not %u",
				   take.bytes, format.sizeimage);
		EXPECT(take.timestamp_ns <= (uint64_t)now_ns());
		EXPECT(take.timestamp_ns + 60 * NS_PER_S > (uint64_t)now_ns());
		if (i) {
			EXPECT(take.sequence > last_sequence);
			EXPECT(take.timestamp_ns >= last_time);
		}
		last_sequence = take.sequence;
		last_time = take.timestamp_ns;
		must_give(fd, take.slot);
	}
	EXPECT(get_stats(fd).reader_delivered == 4);
	EXPECT(get_stats(fd).held == 0);
}

TEST(give_of_what_is_not_held)
{
	int fd = open_frames(O_RDONLY), other = open_frames(O_RDONLY);
	struct grabber_buffer buffer = get_buffer(fd);
	struct grabber_take take;

	for (uint32_t slot = 0; slot < buffer.slots; slot++)
		expect_give_einval(fd, slot);
	expect_give_einval(fd, buffer.slots);
	expect_give_einval(fd, 0x7fffffff);
	expect_give_einval(fd, 0x80000000);
	expect_give_einval(fd, ~0U);
	take = must_take(fd);
	EXPECT(get_stats(other).held == 1);
	/* another file's */
	expect_give_einval(other, take.slot);
	for (uint32_t slot = 0; slot < buffer.slots; slot++)
		if (slot != take.slot)
			expect_give_einval(fd, slot);
	must_give(fd, take.slot);
	/* twice */
	expect_give_einval(fd, take.slot);
	EXPECT(get_stats(other).held == 0);
}

/* TAKE of the next frame, a slot given back before. Return: an errno value or 0 */
static int take_and_give(int fd, uint32_t slot, int64_t timeout_ns, struct grabber_take *take)
{
	memset(take, 0, sizeof(*take));
	take->flags = GRABBER_TAKE_GIVE;
	take->slot = slot;
	take->timeout_ns = timeout_ns;
	return ioctl(fd, GRABBER_IOC_TAKE, take) ? errno : 0;
}

TEST(take_gives_back)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_take take = must_take(fd);
	uint64_t sequence = take.sequence;
	struct grabber_stats before;

	for (int i = 0; i < 4; i++) {
		CHECK(take_and_give(fd, take.slot, 20 * NS_PER_S, &take) == 0);
		EXPECT(take.sequence > sequence);
		EXPECT(get_stats(fd).held == 1);
		sequence = take.sequence;
	}
	/* What is not held is refused, and nothing happens. */
	before = get_stats(fd);
	for (uint32_t slot = 0; slot < get_buffer(fd).slots + 2; slot++) {
		struct grabber_take other;

		if (slot != take.slot)
			EXPECT(take_and_give(fd, slot, 20 * NS_PER_S, &other) == EINVAL);
	}
	EXPECT(get_stats(fd).held == 1);
	EXPECT(get_stats(fd).reader_delivered == before.reader_delivered);
	/* Given back also where no frame comes. */
	while (!take_and_give(fd, take.slot, 0, &take))
		;
	EXPECT(errno == EAGAIN);
	EXPECT(get_stats(fd).held == 0);
}

TEST_LIMIT(hold_limit, 120)
{
	int fd = open_frames(O_RDONLY), other;
	struct grabber_buffer buffer = get_buffer(fd);
	struct grabber_take *held = calloc(buffer.hold_max, sizeof(*held)), take;
	uint64_t *sums = calloc(buffer.hold_max, sizeof(*sums));
	uint8_t *map = map_frames(fd, PROT_READ);
	struct grabber_stats before, after;

	for (uint32_t i = 0; i < buffer.hold_max; i++) {
		held[i] = must_take(fd);
		sums[i] = checksum(map + held[i].offset, held[i].bytes);
		for (uint32_t j = 0; j < i; j++)
			EXPECT_MSG(held[i].slot != held[j].slot, "slot %u given twice",
				   held[i].slot);
	}
	/* It holds all that it may, and is told so at once; another file still has a place. */
	other = open_frames(O_RDONLY);
	before = get_stats(other);
	EXPECT(before.held == buffer.hold_max);
	EXPECT(take_frame(fd, &take, 20 * NS_PER_S) == EBUSY);
	EXPECT(take_frame(fd, &take, -1) == EBUSY);
	/* Who gives one back in the same call may have another one. */
	EXPECT(take_and_give(fd, held[0].slot, 20 * NS_PER_S, &held[0]) == 0);
	sums[0] = checksum(map + held[0].offset, held[0].bytes);
	EXPECT(get_stats(other).held == buffer.hold_max);
	before = get_stats(other);
	/* The card goes on with the slots that are left, and leaves the held alone. */
	for (int i = 0; i < 100 && get_stats(other).begun < before.begun + 5; i++)
		sleep_ms(100);
	after = get_stats(other);
	EXPECT_MSG(after.begun >= before.begun + 3, "the card stopped while all was held");
	EXPECT_MSG(after.delivered > before.delivered,
		   "no frame came in while as many slots were held as may be");
	for (uint32_t i = 0; i < buffer.hold_max; i++)
		EXPECT_MSG(checksum(map + held[i].offset, held[i].bytes) == sums[i],
			   "held slot %u was overwritten", held[i].slot);
	must_give(fd, held[0].slot);
	take = must_take(other);
	EXPECT(get_stats(other).held == buffer.hold_max);
	must_give(other, take.slot);
	for (uint32_t i = 1; i < buffer.hold_max; i++)
		must_give(fd, held[i].slot);
	EXPECT(get_stats(other).held == 0);
}

/* A slot counts once, however many readers hold it, and is free after the last. */
TEST(held_by_two)
{
	int a = open_frames(O_RDONLY), b = open_frames(O_RDONLY);
	struct grabber_take first = must_take(a), second = must_take(b);

	EXPECT(first.slot == second.slot && first.sequence == second.sequence);
	EXPECT(get_stats(a).held == 1);
	must_give(a, first.slot);
	EXPECT(get_stats(a).held == 1);
	expect_give_einval(a, first.slot);
	must_give(b, first.slot);
	EXPECT(get_stats(a).held == 0);
}

/* Holders cannot starve those who only read(): frames go on for a reader of now. */
TEST(read_while_all_is_held)
{
	int fd = open_frames(O_RDONLY), reader;
	struct grabber_buffer buffer = get_buffer(fd);
	uint8_t *frame = malloc(buffer.slot_size);

	for (uint32_t i = 0; i < buffer.hold_max; i++)
		must_take(fd);
	reader = open_frames(O_RDONLY);
	for (int i = 0; i < 3; i++)
		CHECK_MSG(read(reader, frame, buffer.slot_size) > 0,
			  "read() while all is held: %s", strerror(errno));
}

TEST(close_gives_back)
{
	int watcher = open_frames(O_RDONLY), fd = open_frames(O_RDONLY);
	struct grabber_buffer buffer = get_buffer(fd);
	int copy;

	EXPECT(get_stats(watcher).readers == 2);
	for (uint32_t i = 0; i < buffer.hold_max; i++)
		must_take(fd);
	/* Held by the open file, not by the descriptor. */
	copy = dup(fd);
	close(fd);
	EXPECT(get_stats(watcher).held == buffer.hold_max);
	close(copy);
	EXPECT(get_stats(watcher).held == 0);
	EXPECT(get_stats(watcher).readers == 1);
	must_give(watcher, must_take(watcher).slot);
}

TEST(death_gives_back)
{
	int watcher = open_frames(O_RDONLY), status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		int fd = open_frames(O_RDONLY);

		for (uint32_t i = 0; i < get_buffer(fd).hold_max; i++)
			must_take(fd);
		map_frames(fd, PROT_READ);
		raise(SIGKILL);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT(get_stats(watcher).held == 0 && get_stats(watcher).readers == 1);
}

/* A partly read frame is nobody's once the file is closed. */
TEST(close_amid_a_frame)
{
	int watcher = open_frames(O_RDONLY), fd = open_frames(O_RDONLY);
	uint8_t bytes[100];

	CHECK(read(fd, bytes, sizeof(bytes)) == sizeof(bytes));
	close(fd);
	EXPECT(get_stats(watcher).held == 0);
}

TEST(newest_skips)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_take take = must_take(fd);
	uint64_t first = take.sequence, begun;

	must_give(fd, take.slot);
	begun = get_stats(fd).begun;
	for (int i = 0; i < 300 && get_stats(fd).begun < begun + 4; i++)
		sleep_ms(100);
	memset(&take, 0, sizeof(take));
	take.flags = GRABBER_TAKE_NEWEST;
	take.timeout_ns = 20 * NS_PER_S;
	CHECK(ioctl(fd, GRABBER_IOC_TAKE, &take) == 0);
	EXPECT_MSG(take.sequence >= first + 3, "the newest frame is %llu, %llu was long ago",
		   (unsigned long long)take.sequence, (unsigned long long)first);
	must_give(fd, take.slot);
}
