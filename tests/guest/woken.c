// SPDX-License-Identifier: GPL-2.0-only
/*
 * A frame that comes while those who waited for the one before are still being woken: who
 * sleeps again by then is woken once more, for it may be the last frame for long. The
 * driver's wake_rest() is slowed down meanwhile, so that the first of them have the time.
 */
#include "card.h"
#include "video_source.h"

#define SLEEPERS 8	/* the driver wakes four at once */
#define ROUNDS 6
#define HARDLY_ANY 1	/* frames in 1000 seconds */
#define SOME 10000

/* How many frames each of them had, or missed, in memory that all share. */
static volatile uint64_t *had;

static void sleeper(int number)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_take take;

	for (;;) {
		CHECK(take_frame(fd, &take, -1) == 0);
		must_give(fd, take.slot);
		had[number] = get_stats(fd).reader_next;
	}
}

static uint64_t frames(int fd)
{
	struct grabber_stats stats = get_stats(fd);

	return stats.delivered + stats.truncated;
}

/* All of them have the last frame, or will not have it. */
static bool all_had_it(int fd)
{
	for (int i = 0; i < SLEEPERS; i++)
		if (had[i] != frames(fd))
			return false;
	return true;
}

TEST_LIMIT(the_last_frame_wakes_all, 280)
{
	int fd = open_frames(O_RDONLY), bar = open_bar(O_RDWR);

	CHECK(is_video_source(bar));
	had = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(had != MAP_FAILED);
	for (int i = 0; i < SLEEPERS; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid)
			sleeper(i);
	}
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t before = frames(fd);

		bar_write32(bar, VS_RATE, SOME);
		while (frames(fd) < before + 10)
			sleep_ms(20);
		bar_write32(bar, VS_RATE, HARDLY_ANY);
		for (int i = 0; i < 1000 && !all_had_it(fd); i++)
			sleep_ms(20);
		for (int i = 0; i < SLEEPERS; i++)
			EXPECT_MSG(had[i] == frames(fd), "round %d: sleeper %d had frame %llu of %llu",
				   round, i, (unsigned long long)had[i],
				   (unsigned long long)frames(fd));
	}
	bar_write32(bar, VS_RATE, 20000);
}
