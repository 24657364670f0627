// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that share a card and want different things of it: who holds or stops in the
 * middle of a frame keeps nobody else from theirs, and whoever waits waits for something
 * that can come. Needs the virtual card.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#define FAULT_REGISTERS_ONLY
#include "../card/faults.h"

#include "card.h"
#include "video_source.h"

static uint8_t byte;

static void set_slots(uint32_t slots)
{
	struct grabber_buffer buffer = { .slots = slots };

	CHECK(ioctl(open_frames(O_RDWR), GRABBER_IOC_SET_BUFFER, &buffer) == 0);
}

static void fault(uint32_t which, uint32_t value)
{
	int bar = open_bar(O_RDWR);

	CHECK(bar_read32(bar, FAULT_ID) == FAULT_ID_MAGIC);
	bar_write32(bar, which, value);
	close(bar);
}

/* How often poll() says POLLIN in a while. */
static unsigned int busy_polls(int fd, int ms)
{
	int64_t end = now_ns() + ms * NS_PER_MS;
	unsigned int count = 0;
	int left;

	while ((left = (end - now_ns()) / NS_PER_MS) > 0)
		if (poll_for(fd, POLLIN, left) & POLLIN)
			count++;
	return count;
}

/* A reader that stopped in the middle of a frame. */
static int open_partial(void)
{
	int fd = open_frames(O_RDONLY);

	CHECK(read(fd, &byte, 1) == 1);
	return fd;
}

static void must_read_frames(int fd, int count)
{
	uint32_t size = get_format(fd).sizeimage;
	uint8_t *frame = malloc(size);

	while (count--) {
		ssize_t got = read(fd, frame, size);

		CHECK_MSG(got == (ssize_t)size, "read() of a frame gave %zd: %s", got,
			  strerror(errno));
	}
	free(frame);
}

/* In a child, so that one that does not end can be killed. Its status: an errno or 0. */
static pid_t start_take(int fd, int64_t timeout_ns)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		struct grabber_take take;

		_exit(take_frame(fd, &take, timeout_ns));
	}
	return pid;
}

static pid_t start_read(int fd)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		_exit(read(fd, &byte, 1) == 1 ? 0 : errno);
	return pid;
}

/* Its status; -1 when it is still at it after so long. */
static int ended_within(pid_t pid, int ms)
{
	int status;

	for (int i = 0; i < ms / 20; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
		sleep_ms(20);
	}
	return -1;
}

static void must_die(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_MSG(ended_within(pid, 20000) == 1000 + SIGKILL, "it does not even die");
}

/* Frames that were there before SET_BUFFER are no frames that can be had. */
TEST_LIMIT(behind_a_new_buffer, 120)
{
	int behind = open_frames(O_RDWR), fd = open_frames(O_RDWR);
	pid_t taker, reader;

	for (int i = 0; i < 3; i++)
		must_give(fd, must_take(fd).slot);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	EXPECT(get_stats(behind).reader_next < get_stats(fd).reader_next);
	fault(FAULT_STUCK, 1);
	set_slots(6);
	/* None can come now. */
	taker = start_take(behind, 300 * NS_PER_MS);
	EXPECT(ended_within(taker, 20000) == ETIMEDOUT);
	EXPECT_MSG(poll_for(behind, POLLIN, 100) == 0, "poll() on an empty buffer: %#x",
		   poll_for(behind, POLLIN, 0));
	reader = start_read(behind);
	EXPECT_MSG(ended_within(reader, 400) == -1, "read() had something from an empty buffer");
	must_die(reader);
	CHECK(fcntl(behind, F_SETFL, O_NONBLOCK) == 0);
	reader = start_read(behind);
	EXPECT(ended_within(reader, 20000) == EAGAIN);
	fault(FAULT_STUCK, 0);
	CHECK(fcntl(behind, F_SETFL, 0) == 0);
	EXPECT(read(behind, &byte, 1) == 1);
}

/* With as many slots as fit two of them and not one more. */
TEST_LIMIT(two_partial_reads, 120)
{
	int fd, other;

	set_slots(4);
	open_partial();
	open_partial();
	fd = open_frames(O_RDONLY);
	other = open_frames(O_RDONLY);
	for (int i = 0; i < 10; i++) {
		EXPECT(poll_for(fd, POLLIN, 20000) == POLLIN);
		must_give(fd, must_take(fd).slot);
	}
	must_read_frames(other, 10);
	EXPECT(get_stats(fd).held == 0);
}

/* The frame that it is in the middle of is kept while any other will do for the card. */
TEST_LIMIT(partial_read_keeps_its_frame, 120)
{
	int fd, watcher = open_frames(O_RDONLY);
	uint32_t size = get_format(watcher).sizeimage, at = 0;
	uint8_t *frame = malloc(size);
	uint64_t begun;

	set_slots(8);
	fd = open_frames(O_RDONLY);
	while (at < size) {
		ssize_t got = read(fd, frame + at, size / 3 + 1);

		CHECK_MSG(got > 0, "read() in the middle of a frame: %s", strerror(errno));
		at += got;
		/* More frames than there are slots. */
		begun = get_stats(watcher).begun;
		while (at < size && get_stats(watcher).begun < begun + 20)
			sleep_ms(50);
	}
	EXPECT(get_stats(fd).reader_delivered == 1);
}

/* It loses the frame when all else is held, is told, and goes on with the next one. */
TEST_LIMIT(partial_read_is_told, 120)
{
	int fd, other, holder;
	uint64_t begun;

	set_slots(4);
	fd = open_partial();
	other = open_partial();
	holder = open_frames(O_RDONLY);
	must_take(holder);
	begun = get_stats(holder).begun;
	while (get_stats(holder).begun < begun + 12)
		sleep_ms(50);
	/* One of the two had to go. */
	if (read(fd, &byte, 1) == 1) {
		fd = other;
		EXPECT_ERRNO(read(fd, &byte, 1), ESTALE);
	} else {
		EXPECT(errno == ESTALE);
		EXPECT(read(other, &byte, 1) == 1);
	}
	EXPECT(get_stats(fd).reader_delivered == 0 && get_stats(fd).reader_missed >= 1);
	must_read_frames(fd, 2);
	EXPECT(get_stats(fd).reader_delivered == 2);
}

/* poll() speaks of the call that comes next: the rest of a frame is there for read() only. */
TEST_LIMIT(poll_in_the_middle, 120)
{
	int fd = open_partial();
	struct grabber_take take;

	fault(FAULT_STUCK, 1);
	while (take_frame(fd, &take, NS_PER_S) == 0)
		must_give(fd, take.slot);
	EXPECT_MSG(poll_for(fd, POLLIN, 0) == 0, "poll() says there is a frame, and TAKE has none");
	EXPECT(take_frame(fd, &take, 0) == EAGAIN);
	CHECK(read(fd, &byte, 1) == 1);
	EXPECT_MSG(poll_for(fd, POLLIN, 0) == POLLIN, "poll() does not say that there is a rest");
	fault(FAULT_STUCK, 0);
}

/* A TAKE of the frame that a read() is in the middle of counts like any other. */
TEST_LIMIT(take_joins_a_read, 120)
{
	struct grabber_buffer buffer;
	int reader, first, second;
	struct grabber_take take;

	set_slots(8);
	first = open_frames(O_RDONLY);
	CHECK(ioctl(first, GRABBER_IOC_START) == 0);
	reader = open_partial();
	buffer = get_buffer(reader);
	/* The one that is read is among the first ones' frames. */
	for (uint32_t i = 0; i < buffer.hold_max; i++)
		must_take(first);
	second = open_frames(O_RDONLY);
	while (get_stats(reader).held < buffer.hold_total)
		must_take(second);
	close(reader);
	EXPECT(get_stats(first).held == buffer.hold_total);
	EXPECT(take_frame(open_frames(O_RDONLY), &take, 200 * NS_PER_MS) == EBUSY);
	must_read_frames(open_frames(O_RDONLY), 5);
}

/* One program with all that it may hold leaves another one a place. */
TEST_LIMIT(one_holder, 120)
{
	int holder, fd;

	set_slots(8);
	holder = open_frames(O_RDONLY);
	for (uint32_t i = 0; i < get_buffer(holder).hold_max; i++)
		must_take(holder);
	fd = open_frames(O_RDONLY);
	for (int i = 0; i < 5; i++)
		must_give(fd, must_take(fd).slot);
	/* poll() on the one that may hold no more says so, too. */
	EXPECT_MSG(busy_polls(holder, 500) == 0, "poll() promises what TAKE refuses");
}

/* Two programs hold all: a third one's TAKE waits within its limit, and is woken. */
TEST_LIMIT(all_is_held, 120)
{
	int holder, second, fd, other;
	struct grabber_take first = { 0 }, last, take;
	int64_t start;
	pid_t taker, poller;

	set_slots(8);
	holder = open_frames(O_RDONLY);
	for (uint32_t i = 0; i < get_buffer(holder).hold_max; i++)
		first = must_take(holder);
	second = open_frames(O_RDONLY);
	last = must_take(second);
	EXPECT(get_stats(second).held == get_buffer(holder).hold_total);
	fd = open_frames(O_RDONLY);
	other = open_frames(O_RDONLY);
	EXPECT(take_frame(other, &take, 100 * NS_PER_MS) == EBUSY);
	start = now_ns();
	EXPECT(take_frame(fd, &take, 0) == EAGAIN || errno == EBUSY);
	EXPECT(take_frame(fd, &take, 500 * NS_PER_MS) == EBUSY);
	EXPECT_MSG(now_ns() - start >= 500 * NS_PER_MS, "TAKE did not wait for a slot");
	EXPECT_MSG(busy_polls(fd, 500) == 0, "poll() promises what TAKE refuses");
	/* What needs no hold goes on. */
	must_read_frames(open_frames(O_RDONLY), 3);

	/* Then no frame comes that would wake them. */
	set_rate(RATE_HARDLY_ANY);
	taker = start_take(fd, -1);
	poller = fork();
	CHECK(poller >= 0);
	if (!poller)
		_exit(poll_for(other, POLLIN, 20000) == POLLIN ? 0 : 1);
	EXPECT(ended_within(taker, 500) == -1 && ended_within(poller, 100) == -1);
	must_give(second, last.slot);
	must_give(holder, first.slot);
	EXPECT(ended_within(taker, 20000) == 0);
	EXPECT(ended_within(poller, 20000) == 0);
	set_rate(RATE_FAST);
}

#define EXCLUSIVE_FRAMES 3

/* Two programs with files of their own: both are woken for each frame, when it comes. */
TEST_LIMIT(epoll_exclusive, 120)
{
	struct seen {
		uint64_t sequence;
		int64_t when;
	} (*seen)[EXCLUSIVE_FRAMES];
	int bar = open_bar(O_RDWR), status, both = 0;
	pid_t pids[2];

	seen = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(seen != MAP_FAILED);
	bar_write32(bar, VS_RATE, 500);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (!pids[i]) {
			struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
			int fd = open_frames(O_RDONLY), epoll = epoll_create1(0);

			CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
			for (int n = 0; n < EXCLUSIVE_FRAMES; n++) {
				struct grabber_take take;

				if (epoll_wait(epoll, &event, 1, 10000) != 1 ||
				    take_frame(fd, &take, 0))
					_exit(1);
				seen[i][n] = (struct seen){ take.sequence, now_ns() };
				must_give(fd, take.slot);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 2; i++)
		CHECK(waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status));
	for (int n = 0; n < EXCLUSIVE_FRAMES; n++)
		for (int m = 0; m < EXCLUSIVE_FRAMES; m++)
			if (seen[0][n].when && seen[0][n].sequence == seen[1][m].sequence) {
				EXPECT_MSG(llabs(seen[0][n].when - seen[1][m].when) < NS_PER_S,
					   "one program was told of frame %llu, the other much later",
					   (unsigned long long)seen[0][n].sequence);
				both++;
			}
	EXPECT_MSG(both >= 2, "only %d frames came to both programs", both);
	bar_write32(bar, VS_RATE, 20000);
}

#define CROWD 70

/* More sleepers than the interrupt wakes by itself: each gets every frame. */
TEST_LIMIT(crowd, 180)
{
	int ready[2], go[2], done[2];
	uint64_t total = 0;

	fault(FAULT_STUCK, 1);
	CHECK(pipe(ready) == 0 && pipe(go) == 0 && pipe(done) == 0);
	for (int i = 0; i < CROWD; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			int fd = open_frames(O_RDONLY);
			uint64_t got = 0;

			CHECK(write(ready[1], "r", 1) == 1);
			/* One frame each time, by a call or after poll(). */
			while (got < 5) {
				struct grabber_take take;
				int err;

				if (i % 2 && poll_for(fd, POLLIN, 20000) != POLLIN)
					break;
				err = take_frame(fd, &take, i % 2 ? 0 : 20 * NS_PER_S);
				/* Another one may have been faster. */
				if (err && err != EAGAIN && err != EBUSY)
					break;
				if (!err) {
					must_give(fd, take.slot);
					got++;
				}
			}
			CHECK(write(done[1], &got, sizeof(got)) == sizeof(got));
			_exit(0);
		}
	}
	for (int i = 0; i < CROWD; i++)
		CHECK(read(ready[0], &byte, 1) == 1);
	fault(FAULT_STUCK, 0);
	for (int i = 0; i < CROWD; i++) {
		uint64_t got;

		CHECK(read(done[0], &got, sizeof(got)) == sizeof(got));
		total += got;
		wait(NULL);
	}
	EXPECT_MSG(total == CROWD * 5, "%llu frames of %u", (unsigned long long)total, CROWD * 5);
}
