// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for a frame: time limits, signals, poll() and files that do not wait.
 * Needs the virtual card's video source, which can be told to make no frames
 * for a long time.
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "card.h"

/* What poll() can say of a file that works. */
#define ALL (POLLIN | POLLRDNORM | POLLOUT | POLLPRI)

static uint8_t byte[PAGE];

TEST(take_without_waiting)
{
	int fd = open_quiet();
	struct grabber_take take;
	int64_t start = now_ns();

	EXPECT(take_frame(fd, &take, 0) == EAGAIN);
	EXPECT(now_ns() - start < NS_PER_S);
}

TEST(take_times_out)
{
	static const int64_t limits[] = { 1, 1000, NS_PER_MS, 200 * NS_PER_MS, 2 * NS_PER_S };
	int fd = open_quiet();
	struct grabber_take take;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int64_t start = now_ns(), took;
		int err = take_frame(fd, &take, limits[i]);

		took = now_ns() - start;
		EXPECT_MSG(err == ETIMEDOUT, "a wait of %lld ns gave %s", (long long)limits[i],
			   strerror(err));
		EXPECT_MSG(took >= limits[i] && took < limits[i] + 2 * NS_PER_S,
			   "a wait of %lld ns took %lld", (long long)limits[i], (long long)took);
	}
	EXPECT(get_stats(fd).held == 0);
}

TEST(take_longest_limit_is_no_overflow)
{
	static const int64_t limits[] = { -1, INT64_MIN, INT64_MAX };
	int fd = open_quiet();
	struct grabber_take take;

	for (size_t i = 0; i < 3; i++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (!pid)
			_exit(take_frame(fd, &take, limits[i]));
		sleep_ms(500);
		EXPECT_MSG(waitpid(pid, &status, WNOHANG) == 0,
			   "TAKE with limit %lld did not wait", (long long)limits[i]);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
}

TEST(nonblocking_file)
{
	int fd = open_quiet();
	struct grabber_take take;

	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	EXPECT_ERRNO(read(fd, byte, sizeof(byte)), EAGAIN);
	/* O_NONBLOCK wins over any limit. */
	EXPECT(take_frame(fd, &take, 5 * NS_PER_S) == EAGAIN);
	EXPECT(take_frame(fd, &take, -1) == EAGAIN);
	/* and can be turned off */
	CHECK(fcntl(fd, F_SETFL, 0) == 0);
	EXPECT(take_frame(fd, &take, 100 * NS_PER_MS) == ETIMEDOUT);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

/* A signal a little later; SA_RESTART is off. */
static void alarm_soon(void)
{
	struct sigaction catch = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value = { 0, 300000 } };

	alarms = 0;
	CHECK(sigaction(SIGALRM, &catch, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

TEST(signal_ends_a_wait)
{
	int fd = open_quiet();
	struct grabber_take take;

	alarm_soon();
	EXPECT_ERRNO(read(fd, byte, sizeof(byte)), EINTR);
	EXPECT(alarms == 1);
	alarm_soon();
	EXPECT(take_frame(fd, &take, -1) == EINTR);
	EXPECT(alarms == 1);
	alarm_soon();
	EXPECT(take_frame(fd, &take, 20 * NS_PER_S) == EINTR);
	EXPECT(alarms == 1);
	EXPECT(get_stats(fd).held == 0);
}

TEST(sigkill_ends_a_wait)
{
	int fd = open_quiet();
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		_exit(read(fd, byte, sizeof(byte)) > 0);
	sleep_ms(300);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT(WIFSIGNALED(status));
}

TEST(poll_without_a_frame)
{
	int fd = open_quiet();
	int64_t start = now_ns();

	EXPECT_MSG(poll_for(fd, ALL, 0) == 0, "poll() without a frame: %#x", poll_for(fd, ALL, 0));
	EXPECT(poll_for(fd, ALL, 300) == 0);
	EXPECT(now_ns() - start >= 300 * NS_PER_MS);
}

TEST(poll_wakes_and_tells_until_taken)
{
	int fd = open_quiet();
	struct grabber_take take;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		sleep_ms(500);
		set_rate(RATE_FAST);
		sleep_ms(500);
		set_rate(RATE_HARDLY_ANY);
		_exit(0);
	}
	EXPECT(poll_for(fd, ALL, 20000) == (POLLIN | POLLRDNORM));
	CHECK(waitpid(pid, NULL, 0) == pid);
	/* It stays so until the frames are taken, and not longer. */
	EXPECT(poll_for(fd, ALL, 0) == (POLLIN | POLLRDNORM));
	while (take_frame(fd, &take, NS_PER_S) == 0)
		must_give(fd, take.slot);
	EXPECT(poll_for(fd, ALL, 0) == 0);
}

TEST(select_and_epoll)
{
	int fd = open_quiet(), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	struct timeval limit = { 0, 200000 };
	fd_set set;

	CHECK(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	EXPECT(epoll_wait(epoll, &event, 1, 200) == 0);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	EXPECT(select(fd + 1, &set, NULL, NULL, &limit) == 0);
	set_rate(RATE_FAST);
	EXPECT(epoll_wait(epoll, &event, 1, 20000) == 1 && event.events == EPOLLIN);
	limit.tv_sec = 20;
	FD_SET(fd, &set);
	EXPECT(select(fd + 1, &set, NULL, NULL, &limit) == 1 && FD_ISSET(fd, &set));
	set_rate(RATE_HARDLY_ANY);
}

/* The first poll() asks for frames, as the first read() does. */
TEST(poll_starts_capture)
{
	int fd;

	set_rate(RATE_FAST);
	fd = open_frames(O_RDONLY);
	EXPECT(!(get_info(fd).flags & GRABBER_INFO_STREAMING));
	EXPECT(poll_for(fd, ALL, 20000) == (POLLIN | POLLRDNORM));
	EXPECT(get_info(fd).flags & GRABBER_INFO_STREAMING);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	EXPECT(!(get_info(fd).flags & GRABBER_INFO_STREAMING));
}

TEST(rate_back)
{
	set_rate(RATE_FAST);
}
