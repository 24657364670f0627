// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams and registers across resets of the card. Says READY; for each line on
 * standard input after that, sees that everything went on, and says WENT ON. The line
 * "flagged" wants a frame with the discontinuity flag besides, "end" ends.
 *
 * resets [CARD]
 */
#include <sys/wait.h>

#include "card.h"
#include "video_source.h"

static struct shared {
	volatile uint64_t taken, read, mapped, called, flagged;
	volatile bool stop;
} *shared;

static void reader(void)
{
	int fd = open_frames(O_RDWR);
	size_t size = get_buffer(fd).slot_size;
	uint8_t *frame = malloc(size);

	while (!shared->stop) {
		ssize_t got = read(fd, frame, size);

		CHECK_MSG(got > 0, "read() across a reset: %s", strerror(errno));
		shared->read++;
	}
}

static void taker(void)
{
	int fd = open_frames(O_RDWR);
	const uint8_t *map = map_frames(fd, PROT_READ);
	uint64_t last = 0;

	while (!shared->stop) {
		struct grabber_take take = must_take(fd);

		EXPECT_MSG(!shared->taken || take.sequence > last, "frame %llu after %llu",
			   (unsigned long long)take.sequence, (unsigned long long)last);
		last = take.sequence;
		if (take.frame_flags & GRABBER_FRAME_DISCONTINUITY)
			shared->flagged++;
		checksum(map + take.offset, take.bytes);
		must_give(fd, take.slot);
		shared->taken++;
	}
	check_sums(get_stats(fd));
}

/* No access sees anything but the register, least of all ones; it may only take longer. */
static void mapper(void)
{
	int bar = open_bar(O_RDWR);
	volatile uint32_t *map = map_bar(bar, PROT_READ | PROT_WRITE);

	while (!shared->stop) {
		uint32_t id = map[VS_ID / 4];

		CHECK_MSG(id == VS_ID_MAGIC, "the mapped register is %#x", id);
		shared->mapped++;
	}
}

static void caller(void)
{
	int bar = open_bar(O_RDWR);

	while (!shared->stop) {
		CHECK(bar_read32(bar, VS_ID) == VS_ID_MAGIC);
		shared->called++;
		sleep_ms(1);
	}
}

static void expect_progress(const char *what, const volatile uint64_t *count)
{
	int64_t end = now_ns() + 30 * NS_PER_S;
	uint64_t from = *count;

	while (*count < from + 5 && now_ns() < end)
		sleep_ms(20);
	CHECK_MSG(*count >= from + 5, "%s: does not go on", what);
}

TEST_LIMIT(all_goes_on, 300)
{
	static void (*const users[])(void) = { reader, taker, mapper, caller };
	char line[32] = "";

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			users[i]();
			tap_stop();
		}
	}
	do {
		uint64_t flagged = shared->flagged;
		int64_t end = now_ns() + 30 * NS_PER_S;

		expect_progress("take", &shared->taken);
		expect_progress("read", &shared->read);
		expect_progress("the mapping of registers", &shared->mapped);
		expect_progress("pread of registers", &shared->called);
		tap_note(*line ? "WENT ON" : "READY");
		CHECK(fgets(line, sizeof(line), stdin));
		while (!strcmp(line, "flagged\n") && shared->flagged == flagged)
			CHECK_MSG(now_ns() < end, "no frame has the discontinuity flag");
	} while (strcmp(line, "end\n"));
	shared->stop = true;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		int status;

		CHECK(wait(&status) > 0);
		EXPECT_MSG(status == 0, "one of the users failed");
	}
}
