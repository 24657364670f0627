// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that is killed while it has a large buffer made ends soon, and the buffer is
 * as it was. Run where each block of memory takes long to get.
 */
#include <signal.h>
#include <sys/wait.h>

#include "card.h"
#include "set_buffer.h"

TEST_LIMIT(killed_in_set_buffer, 240)
{
	int fd = open_frames(O_RDWR), status;
	struct grabber_buffer before = get_buffer(fd);
	int64_t killed;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		set_buffer(fd, 200, 0, NULL);
		_exit(0);
	}
	sleep_ms(500);
	CHECK(kill(pid, SIGKILL) == 0);
	killed = now_ns();
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT_MSG(WIFSIGNALED(status), "the call was over before the signal came");
	EXPECT_MSG(now_ns() - killed < 3 * NS_PER_S, "it took %lld ms to end",
		   (long long)(now_ns() - killed) / NS_PER_MS);
	EXPECT(same_layout(before, get_buffer(fd)));
	must_give(fd, must_take(fd).slot);
}
