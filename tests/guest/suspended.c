// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams across a suspend to RAM. Says READY; then the machine is suspended and
 * woken up, and whoever did it says "resumed" on standard input.
 *
 * suspended [CARD]
 */
#include <sys/wait.h>

#include "card.h"

static struct shared {
	volatile uint64_t taken, read;
	volatile int64_t last_flagged;	/* time of the last frame with the flag */
	volatile bool stop;
} *shared;

/* Sees no error at all, whatever the machine does. */
static void reader(void)
{
	int fd = open_frames(O_RDONLY);
	size_t size = get_buffer(fd).slot_size;
	uint8_t *frame = malloc(size);

	while (!shared->stop) {
		ssize_t got = read(fd, frame, size);

		CHECK_MSG(got > 0, "read() across the suspend: %s", strerror(errno));
		shared->read++;
	}
}

static void taker(void)
{
	int fd = open_frames(O_RDONLY);
	const uint8_t *map = map_frames(fd, PROT_READ);
	struct grabber_stats stats;
	uint64_t last = 0;

	while (!shared->stop) {
		struct grabber_take take;
		int err = take_frame(fd, &take, -1);

		/* The freezer may interrupt a wait, as a signal does. */
		if (err == EINTR)
			continue;
		CHECK_MSG(!err, "TAKE across the suspend: %s", strerror(err));
		EXPECT_MSG(!shared->taken || take.sequence > last, "frame %llu after %llu",
			   (unsigned long long)take.sequence, (unsigned long long)last);
		last = take.sequence;
		shared->taken++;
		if (take.frame_flags & GRABBER_FRAME_DISCONTINUITY)
			shared->last_flagged = take.timestamp_ns;
		checksum(map + take.offset, take.bytes);
		must_give(fd, take.slot);
	}
	stats = get_stats(fd);
	check_sums(stats);
	EXPECT(stats.reader_delivered == shared->taken);
}

static void expect_progress(const char *what, const volatile uint64_t *count, uint64_t from)
{
	int64_t end = now_ns() + 20 * NS_PER_S;

	while (*count < from + 5 && now_ns() < end)
		sleep_ms(50);
	EXPECT_MSG(*count >= from + 5, "%s: %llu frames only since the resume", what,
		   (unsigned long long)(*count - from));
}

TEST_LIMIT(frames_go_on_after_resume, 150)
{
	int64_t suspended_at;
	uint64_t taken, read;
	char line[32];

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			if (i)
				reader();
			else
				taker();
			tap_stop();
		}
	}
	expect_progress("take", &shared->taken, 0);
	expect_progress("read", &shared->read, 0);
	suspended_at = now_ns();
	tap_note("READY");
	CHECK(fgets(line, sizeof(line), stdin) && !strncmp(line, "resumed", 7));
	taken = shared->taken;
	read = shared->read;
	expect_progress("take", &shared->taken, taken);
	expect_progress("read", &shared->read, read);
	EXPECT_MSG(shared->last_flagged > suspended_at,
		   "no frame after the resume has the DISCONTINUITY flag");
	shared->stop = true;
	for (int i = 0; i < 2; i++) {
		int status;

		CHECK(wait(&status) > 0);
		EXPECT_MSG(status == 0, "a reader failed");
	}
}
