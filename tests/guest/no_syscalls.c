// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader by the status page makes no system call at all, from its first frame to
 * its last: a seccomp filter kills it at any, whichever it is. The one that it does
 * make when it is done, and is killed for, shows that the filter was there.
 *
 * no_syscalls [CARD [FRAMES]]
 */
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <grabber.h>

#include "../card/chart.h"
#include "card.h"

static struct shared {
	uint64_t frames, missed, torn, mixed, wrong;
	uint64_t spins;		/* looks that found no frame yet */
	bool done;
} *shared;

static void kill_at_any_call(void)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	struct sock_fprog program = { 1, &all };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(77);
}

/* Every line of a frame of the chart has its number. */
static bool one_number(const struct grabber_reader *reader, const struct grabber_frame *frame,
		       uint32_t *number)
{
	const uint8_t *line = frame->data;
	bool same = true;

	*number = chart_stamp(line);
	for (uint32_t y = 1; y < reader->format.height; y++)
		same &= chart_stamp(line + (size_t)y * reader->format.bytesperline) == *number;
	return same;
}

static void read_frames(struct grabber_reader *reader, uint64_t frames)
{
	uint32_t number, number_less_sequence = 0;
	struct grabber_frame frame;
	bool same;

	while (shared->frames < frames) {
		if (grabber_next(reader, &frame)) {
			shared->spins++;
			continue;
		}
		same = one_number(reader, &frame, &number);
		if (!grabber_whole(reader, &frame)) {
			shared->torn++;
			continue;
		}
		shared->mixed += !same;
		if (shared->frames++ == 0)
			number_less_sequence = number - (uint32_t)frame.sequence;
		shared->wrong += number - (uint32_t)frame.sequence != number_less_sequence;
	}
	shared->missed = reader->missed;
	shared->done = true;
}

TEST_LIMIT(frames_without_a_system_call, 500)
{
	uint64_t frames = tap_argc > 2 ? atoi(tap_argv[2]) : 1000;
	int status;
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(shared != MAP_FAILED);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		struct grabber_reader reader;

		CHECK(!grabber_open_card(&reader, card_number()));
		CHECK(!grabber_start(&reader));
		kill_at_any_call();
		read_frames(&reader, frames);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		tap_skip("this kernel has no seccomp filters");
	tap_note("%llu frames, %llu missed of which %llu were torn, %llu looks without a frame",
		 (unsigned long long)shared->frames, (unsigned long long)shared->missed,
		 (unsigned long long)shared->torn, (unsigned long long)shared->spins);
	EXPECT_MSG(shared->done, "killed by a system call after %llu frames",
		   (unsigned long long)shared->frames);
	EXPECT_MSG(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
		   "the exit should have been killed by the filter; status %#x", status);
	EXPECT(shared->frames == frames && !shared->mixed && !shared->wrong);
}
