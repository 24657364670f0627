// SPDX-License-Identifier: GPL-2.0-only
/*
 * A signal comes while epoll asks a file for the first time, and that has to wait for
 * somebody who changes the buffer: capture begins nevertheless, for epoll does not ask again.
 * The test makes SET_BUFFER take 4 s, in which its processor does nothing else: so that is
 * another one than that of those who watch.
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

/* What a file of one number begins with; of /proc/PID/stat, the state of the process. */
static char first_character(const char *path)
{
	char text[512] = "";
	FILE *file = fopen(path, "r");
	char *end;

	CHECK(file && fgets(text, sizeof(text), file));
	fclose(file);
	end = strrchr(text, ')');
	return end ? end[2] : text[0];
}

TEST_LIMIT(poll_in_signals, 120)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct epoll_event event = { .events = EPOLLIN };
	int fd = open_frames(O_RDWR), ep = epoll_create1(0);
	struct grabber_buffer buffer = { .slots = get_buffer(fd).slots - 1 };
	char stat[32];
	int ready;

	sigaction(SIGUSR1, &action, NULL);
	run_on(0);
	if (!fork()) {
		run_on(1);
		_exit(ioctl(fd, GRABBER_IOC_SET_BUFFER, &buffer) ? errno : 0);
	}
	while (first_character("/sys/module/slow/parameters/calls") == '0')
		sleep_ms(10);
	snprintf(stat, sizeof(stat), "/proc/%d/stat", getpid());
	if (!fork()) {
		/* The only sleep from here on is that of epoll_ctl(). */
		while (first_character(stat) == 'R')
			sleep_ms(10);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == 0);
	CHECK(signals == 1);
	do
		ready = epoll_wait(ep, &event, 1, 20000);
	while (ready < 0 && errno == EINTR);
	EXPECT_MSG(ready == 1 && event.events == EPOLLIN, "epoll says %d, %#x", ready,
		   ready == 1 ? event.events : 0);
}
