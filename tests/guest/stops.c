// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ends a wait, and what goes on after it: STOP, signals with and without handlers.
 * Needs the virtual card.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "card.h"

static uint8_t byte;

static int open_started(void)
{
	int fd = open_frames(O_RDONLY);

	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	return fd;
}

static bool streaming(int fd)
{
	return get_info(fd).flags & GRABBER_INFO_STREAMING;
}

static void *sleep_in_read(void *fd)
{
	return (void *)(long)(read(*(int *)fd, &byte, 1) == 1 ? 0 : errno);
}

static void *sleep_in_take(void *fd)
{
	struct grabber_take take;

	return (void *)(long)take_frame(*(int *)fd, &take, -1);
}

static void *sleep_in_poll(void *fd)
{
	return (void *)(long)poll_for(*(int *)fd, POLLIN, 60000);
}

static void *sleep_in_epoll(void *fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	CHECK(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, *(int *)fd, &event) == 0);
	return (void *)(long)(epoll_wait(epoll, &event, 1, 60000) == 1 ? event.events : 0);
}

TEST_LIMIT(stop_wakes_who_sleeps, 50)
{
	static const struct {
		void *(*sleep)(void *fd);
		long result;
	} sleepers[] = {
		{ sleep_in_read, ECANCELED }, { sleep_in_take, ECANCELED },
		{ sleep_in_poll, POLLERR }, { sleep_in_epoll, EPOLLERR },
	};
	int fd = open_quiet();
	pthread_t threads[4];
	struct timespec end;

	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&threads[i], NULL, sleepers[i].sleep, &fd));
	sleep_ms(500);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	for (int i = 0; i < 4; i++) {
		void *result;

		if (pthread_timedjoin_np(threads[i], &result, &end))
			EXPECT_MSG(false, "sleeper %d sleeps on after STOP", i);
		else
			EXPECT_MSG((long)result == sleepers[i].result, "sleeper %d: %ld, not %ld",
				   i, (long)result, sleepers[i].result);
	}
	EXPECT(!streaming(fd));
}

/* What is in the buffer can be had; nothing but START begins again. */
TEST(drained_after_stop)
{
	int fd, other;
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);
	struct grabber_take take;
	uint64_t last;

	set_rate(RATE_FAST);
	fd = open_started();
	must_give(fd, must_take(fd).slot);
	sleep_ms(300);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	last = get_stats(fd).begun;
	EXPECT(poll_for(fd, POLLIN, 0) == POLLIN);
	while (take_frame(fd, &take, 0) == 0)
		must_give(fd, take.slot);
	EXPECT(errno == ECANCELED);
	EXPECT(take_frame(fd, &take, NS_PER_S) == ECANCELED);
	EXPECT(take_frame(fd, &take, -1) == ECANCELED);
	EXPECT_ERRNO(read(fd, &byte, 1), ECANCELED);
	EXPECT(poll_for(fd, POLLIN, 100) == POLLERR);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	EXPECT(epoll_wait(epoll, &event, 1, 100) == 1 && event.events == EPOLLERR);
	EXPECT_MSG(!streaming(fd), "a call after STOP started the card");
	EXPECT(get_stats(fd).begun == last);
	/* Frames that another one captures are not for this file. */
	other = open_started();
	for (int i = 0; i < 3; i++)
		must_give(other, must_take(other).slot);
	EXPECT(take_frame(fd, &take, 100 * NS_PER_MS) == ECANCELED);
	CHECK(ioctl(other, GRABBER_IOC_STOP) == 0);
	/* Twice is the same as once. */
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	EXPECT(streaming(fd));
	must_give(fd, must_take(fd).slot);
}

/* Where others go on, what comes after STOP is not for this file, also when all from before
 * is gone; and nor is the newest.
 */
TEST_LIMIT(overwritten_after_stop, 120)
{
	struct grabber_take take = { };
	uint64_t last, gone;
	int fd, late, other;

	set_rate(RATE_FAST);
	fd = open_started();
	late = open_started();
	other = open_started();
	gone = get_buffer(fd).slots + 4;
	must_give(late, must_take(late).slot);
	must_give(fd, must_take(fd).slot);
	while (get_stats(late).delivered < get_stats(late).reader_next + 2)
		sleep_ms(10);
	CHECK(ioctl(late, GRABBER_IOC_STOP) == 0);
	while (get_stats(fd).delivered < get_stats(fd).reader_next + 2)
		sleep_ms(10);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	last = get_stats(fd).delivered;
	while (get_stats(other).delivered < last + 1)
		sleep_ms(10);
	take.flags = GRABBER_TAKE_NEWEST;
	if (ioctl(fd, GRABBER_IOC_TAKE, &take) == 0)
		must_give(fd, take.slot);
	/* One may have come between the two looks. */
	EXPECT_MSG(get_stats(fd).reader_next <= last,
		   "next is frame %llu: it was given one from after STOP, at %llu",
		   (unsigned long long)get_stats(fd).reader_next, (unsigned long long)last);
	while (get_stats(other).delivered < last + gone)
		sleep_ms(50);
	EXPECT_MSG(poll_for(late, POLLIN, 0) == POLLERR, "poll() says %#x",
		   poll_for(late, POLLIN, 0));
	EXPECT(take_frame(late, &take, 0) == ECANCELED);
	EXPECT_ERRNO(read(late, &byte, 1), ECANCELED);
	/* To it they are missed. */
	CHECK(ioctl(late, GRABBER_IOC_START) == 0);
	take = must_take(late);
	EXPECT(take.missed >= gone - get_buffer(fd).slots);
}

/* STOP before any frame was asked for is a STOP, too. */
TEST(stop_at_first)
{
	int fd = open_frames(O_RDONLY);

	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	EXPECT_ERRNO(read(fd, &byte, 1), ECANCELED);
	EXPECT(poll_for(fd, POLLIN, 0) == POLLERR);
	EXPECT(!streaming(fd));
}

struct slow_take {
	int fd;
	struct grabber_take take;
	int result;
	int64_t took;
};

static void do_take(struct slow_take *slow)
{
	int64_t start = now_ns();

	slow->result = ioctl(slow->fd, GRABBER_IOC_TAKE, &slow->take) ? errno : 0;
	slow->took = now_ns() - start;
}

/* The call in a child that shares what it writes with us. */
static pid_t take_in_child(struct slow_take *slow)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		do_take(slow);
		_exit(0);
	}
	return pid;
}

static void stop_and_go(pid_t pid, int after_ms, int for_ms)
{
	sleep_ms(after_ms);
	CHECK(kill(pid, SIGSTOP) == 0);
	sleep_ms(for_ms);
	CHECK(kill(pid, SIGCONT) == 0);
}

static struct slow_take *shared_take(int fd)
{
	struct slow_take *slow = mmap(NULL, sizeof(*slow), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(slow != MAP_FAILED);
	slow->fd = fd;
	return slow;
}

/* A signal without a handler: the slot is given back once, and the wait goes on. */
TEST(stopped_with_give)
{
	struct slow_take *slow;
	struct grabber_take held;
	int fd = open_frames(O_RDONLY);
	pid_t pid;

	set_rate(RATE_FAST);
	held = must_take(fd);
	set_rate(RATE_HARDLY_ANY);
	while (take_frame(fd, &(struct grabber_take){ 0 }, NS_PER_S) == 0)
		;
	slow = shared_take(fd);
	slow->take.flags = GRABBER_TAKE_GIVE;
	slow->take.slot = held.slot;
	slow->take.timeout_ns = -1;
	pid = take_in_child(slow);
	stop_and_go(pid, 500, 300);
	sleep_ms(300);
	EXPECT_MSG(waitpid(pid, NULL, WNOHANG) == 0, "TAKE ended: %s", strerror(slow->result));
	set_rate(RATE_FAST);
	CHECK(waitpid(pid, NULL, 0) == pid);
	EXPECT_MSG(slow->result == 0, "TAKE with GIVE after SIGCONT: %s", strerror(slow->result));
	EXPECT_MSG(slow->take.flags == GRABBER_TAKE_GIVE && slow->take.deadline_ns == 0,
		   "flags %#x deadline %lld", slow->take.flags,
		   (long long)slow->take.deadline_ns);
}

/* Nor does it end a wait with a limit, or make it longer. */
TEST(stopped_with_limit)
{
	struct slow_take *slow = shared_take(open_quiet());
	pid_t pid;

	slow->take.timeout_ns = 3 * NS_PER_S;
	pid = take_in_child(slow);
	stop_and_go(pid, 500, 2000);
	CHECK(waitpid(pid, NULL, 0) == pid);
	EXPECT_MSG(slow->result == ETIMEDOUT, "%s", strerror(slow->result));
	EXPECT(slow->take.flags == 0 && slow->take.deadline_ns == 0);
	EXPECT_MSG(slow->took >= 3 * NS_PER_S && slow->took < 4500 * NS_PER_MS,
		   "a wait of 3 s took %lld ms", (long long)(slow->took / NS_PER_MS));
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static void *signal_soon(void *thread)
{
	sleep_ms(500);
	pthread_kill(*(pthread_t *)thread, SIGUSR1);
	return NULL;
}

static void take_with_signal(struct slow_take *slow, int flags)
{
	struct sigaction catch = { .sa_handler = on_signal, .sa_flags = flags };
	pthread_t self = pthread_self(), sender;

	CHECK(sigaction(SIGUSR1, &catch, NULL) == 0);
	signals = 0;
	CHECK(!pthread_create(&sender, NULL, signal_soon, &self));
	do_take(slow);
	pthread_join(sender, NULL);
	EXPECT(signals == 1);
}

TEST(handlers)
{
	struct slow_take slow = { .fd = open_quiet() };
	struct grabber_take held;
	int64_t start;

	slow.take.timeout_ns = 2 * NS_PER_S;
	take_with_signal(&slow, SA_RESTART);
	EXPECT(slow.result == ETIMEDOUT);
	EXPECT_MSG(slow.took >= 2 * NS_PER_S && slow.took < 3500 * NS_PER_MS,
		   "with SA_RESTART a wait of 2 s took %lld ms", (long long)(slow.took / NS_PER_MS));

	/* Without it: EINTR, and the structure has what is left to do. */
	set_rate(RATE_FAST);
	held = must_take(slow.fd);
	set_rate(RATE_HARDLY_ANY);
	while (take_frame(slow.fd, &(struct grabber_take){ 0 }, NS_PER_S) == 0)
		;
	memset(&slow.take, 0, sizeof(slow.take));
	slow.take.flags = GRABBER_TAKE_GIVE;
	slow.take.slot = held.slot;
	slow.take.timeout_ns = 3 * NS_PER_S;
	start = now_ns();
	take_with_signal(&slow, 0);
	EXPECT(slow.result == EINTR);
	EXPECT(slow.take.flags == (GRABBER_TAKE_GIVE | GRABBER_TAKE_RESTARTED));
	EXPECT(slow.take.deadline_ns >= start + 3 * NS_PER_S);
	do_take(&slow);
	EXPECT_MSG(slow.result == ETIMEDOUT, "called again: %s", strerror(slow.result));
	EXPECT_MSG(now_ns() - start < 4500 * NS_PER_MS, "a wait of 3 s took %lld ms",
		   (long long)((now_ns() - start) / NS_PER_MS));
	EXPECT(slow.take.flags == GRABBER_TAKE_GIVE && slow.take.deadline_ns == 0);
	/* A new call with the same slot is a new call. */
	do_take(&slow);
	EXPECT(slow.result == EINVAL);
}

/* Signals again and again, while frames are copied: no read() is cut short by one. */
TEST(reads_among_signals)
{
	struct sigaction catch = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
	int fd = open_frames(O_RDONLY);
	uint32_t size = get_format(fd).sizeimage;
	uint8_t *frame = malloc(size);

	set_rate(RATE_FAST);
	CHECK(sigaction(SIGALRM, &catch, NULL) == 0);
	signals = 0;
	CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
	for (int i = 0; i < 40; i++) {
		ssize_t got = read(fd, frame, size);

		EXPECT_MSG(got == (ssize_t)size, "read() gave %zd of %u bytes", got, size);
	}
	CHECK(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL) == 0);
	EXPECT(signals > 40);
}

TEST(rate_back)
{
	set_rate(RATE_FAST);
}
