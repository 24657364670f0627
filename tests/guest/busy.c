// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card finishes frames as fast as it can: the processor that has its interrupts
 * still does other work.
 *
 * busy CARD SECONDS: a program that shares processor 0 with the interrupts
 */
#include <signal.h>
#include <sys/wait.h>

#include "card.h"

struct work {
	uint64_t rounds;
	int64_t longest;	/* in which nothing was done, ns */
};

static struct work work(int64_t ns)
{
	struct work work = { 0 };
	int64_t now = now_ns(), end = now + ns, last = now;

	while (now < end) {
		now = now_ns();
		work.rounds++;
		if (now - last > work.longest)
			work.longest = now - last;
		last = now;
	}
	return work;
}

static pid_t reader(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		int fd = open_frames(O_RDONLY);

		run_on(1);
		for (;;)
			must_give(fd, must_take(fd).slot);
	}
	return pid;
}

TEST_LIMIT(busy, 200)
{
	int64_t ns = (tap_argc > 2 ? atoi(tap_argv[2]) : 5) * NS_PER_S;
	int fd = open_frames(O_RDONLY);
	uint64_t before = get_stats(fd).begun, frames;
	struct work alone, beside;
	int status;
	pid_t pid;

	run_on(0);
	alone = work(NS_PER_S);
	pid = reader();
	while (get_stats(fd).begun < before + 10)
		sleep_ms(1);
	before = get_stats(fd).begun;
	beside = work(ns);
	frames = get_stats(fd).begun - before;
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
	tap_note("%llu frames in %lld ms; rounds a second: %llu alone, %llu beside them; longest pause %lld ms",
		 (unsigned long long)frames, (long long)(ns / NS_PER_MS),
		 (unsigned long long)alone.rounds,
		 (unsigned long long)(beside.rounds * NS_PER_S / ns),
		 (long long)(beside.longest / NS_PER_MS));
	EXPECT_MSG(frames > 50, "only %llu frames came", (unsigned long long)frames);
	/* A hundredth would be a processor that does nearly nothing else. */
	EXPECT(beside.rounds * NS_PER_S / ns > alone.rounds / 25);
	EXPECT(beside.longest < NS_PER_S);
}
