// SPDX-License-Identifier: GPL-2.0-only
/*
 * A signal comes while epoll asks a file for the first time, and that has to wait for
 * somebody who changes the buffer: capture begins nevertheless, for epoll does not ask again.
 * The test makes SET_BUFFER take 4 s.
 */
#include <signal.h>
#include <sys/epoll.h>

#include "card.h"

static volatile int signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

TEST_LIMIT(poll_in_signals, 120)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct epoll_event event = { .events = EPOLLIN };
	int fd = open_frames(O_RDWR), ep = epoll_create1(0);
	struct grabber_buffer buffer = { .slots = get_buffer(fd).slots - 1 };
	pid_t self = getpid();
	int ready;

	sigaction(SIGUSR1, &action, NULL);
	if (!fork())
		_exit(ioctl(fd, GRABBER_IOC_SET_BUFFER, &buffer) ? errno : 0);
	if (!fork()) {
		sleep_ms(2000);
		kill(self, SIGUSR1);
		_exit(0);
	}
	sleep_ms(1000);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == 0);
	CHECK(signals == 1);
	do
		ready = epoll_wait(ep, &event, 1, 20000);
	while (ready < 0 && errno == EINTR);
	EXPECT_MSG(ready == 1 && event.events == EPOLLIN, "epoll says %d, %#x", ready,
		   ready == 1 ? event.events : 0);
}
