// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card leaves while it is used in every way there is.
 *
 * removal CARD MODE, MODE being "idle" (the sleepers really sleep: the virtual
 * card makes no frames) or "streaming".
 *
 * It says READY when all its programs are where they should be. Then whoever
 * runs it takes the card away, and says "gone" on its standard input. It says
 * CHECKED when all is checked but one file of each node is still open, and
 * ends after "close".
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>

#include "card.h"
#include "video_source.h"

#define WAKE_LIMIT (3 * NS_PER_S)

struct role {
	const char *name;
	void (*run)(void);
};

static struct shared {
	volatile int ready;
	volatile int64_t gone_at;	/* when the removal was over, 0 before */
	volatile bool leave;
	volatile int64_t woke_at[32];
} *shared;

static int this_role;

static void is_ready(void)
{
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
}

static void woke(void)
{
	shared->woke_at[this_role] = now_ns();
}

static void wait_gone(void)
{
	while (!shared->gone_at)
		sleep_ms(10);
}

/* Frames that came in before can still be had, and then no more. */
static void drained(int fd)
{
	struct grabber_take take;
	int err;

	while (!(err = take_frame(fd, &take, -1)))
		must_give(fd, take.slot);
	EXPECT_MSG(err == ENODEV, "TAKE after the removal ended with %s", strerror(err));
}

/* Everything that can be asked of an open frame node once its card is gone. */
static void frames_are_gone(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint8_t bytes[256];

	drained(fd);
	EXPECT_ERRNO(read(fd, bytes, sizeof(bytes)), ENODEV);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_INFO, bytes), ENODEV);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_GET_FORMAT, bytes), ENODEV);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_GET_BUFFER, bytes), ENODEV);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_START), ENODEV);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
	/* The last word on what became of every frame. */
	check_sums(get_stats(fd));
	EXPECT(poll(&poll_fd, 1, 5000) == 1);
	EXPECT_MSG((poll_fd.revents & (POLLHUP | POLLERR)) == (POLLHUP | POLLERR),
		   "poll() after the removal gives %#x, not POLLHUP | POLLERR", poll_fd.revents);
}

static void bar_is_gone(int fd)
{
	uint8_t bytes[256] = { 0 };

	EXPECT_ERRNO(pread(fd, bytes, 4, 0), ENODEV);
	EXPECT_ERRNO(pwrite(fd, bytes, 4, 0), ENODEV);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_INFO, bytes), ENODEV);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
}

static void asleep_in_read(void)
{
	int fd = open_frames(O_RDONLY);
	size_t size = get_buffer(fd).slot_size;
	uint8_t *frame = malloc(size);
	ssize_t got;

	CHECK(read(fd, frame, size) > 0);
	is_ready();
	do {
		got = read(fd, frame, size);
	} while (got > 0);
	woke();
	EXPECT_MSG(got == -1 && errno == ENODEV, "read() ended with %zd, errno %d", got, errno);
	wait_gone();
	frames_are_gone(fd);
}

static void asleep_in_take(int64_t timeout_ns)
{
	int fd = open_frames(O_RDONLY), err;
	struct grabber_take take;

	must_give(fd, must_take(fd).slot);
	is_ready();
	while (!(err = take_frame(fd, &take, timeout_ns)))
		must_give(fd, take.slot);
	woke();
	EXPECT_MSG(err == ENODEV, "TAKE ended with %s", strerror(err));
	wait_gone();
	frames_are_gone(fd);
}

static void asleep_in_take_for_ever(void)
{
	asleep_in_take(-1);
}

static void asleep_in_take_with_a_limit(void)
{
	asleep_in_take(300 * NS_PER_S);
}

/* Frames there are; returns false at the end. */
static bool drain(int fd)
{
	struct grabber_take take;
	int err;

	while (!(err = take_frame(fd, &take, 0)))
		must_give(fd, take.slot);
	return err == EAGAIN;
}

static void asleep_in_poll(void)
{
	int fd = open_frames(O_RDONLY);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	must_give(fd, must_take(fd).slot);
	is_ready();
	do {
		drain(fd);
		CHECK(poll(&poll_fd, 1, -1) == 1);
	} while (!(poll_fd.revents & (POLLHUP | POLLERR)));
	woke();
	EXPECT_MSG((poll_fd.revents & (POLLHUP | POLLERR)) == (POLLHUP | POLLERR),
		   "poll() ended with %#x", poll_fd.revents);
	wait_gone();
	frames_are_gone(fd);
}

/* Asks for nothing: POLLHUP and POLLERR come even so. */
static void asleep_in_poll_for_nothing(void)
{
	int fd = open_frames(O_RDONLY);
	struct pollfd poll_fd = { .fd = fd, .events = 0 };

	is_ready();
	CHECK(poll(&poll_fd, 1, -1) == 1);
	woke();
	EXPECT(poll_fd.revents & POLLHUP);
}

static void asleep_in_epoll(void)
{
	int fd = open_frames(O_RDONLY), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	must_give(fd, must_take(fd).slot);
	is_ready();
	do {
		drain(fd);
		CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
	} while (!(event.events & (EPOLLHUP | EPOLLERR)));
	woke();
	wait_gone();
	/* the file first, the epoll after it */
	close(fd);
	close(epoll);
}

static void asleep_in_select(void)
{
	int fd = open_frames(O_RDONLY);
	fd_set set;

	must_give(fd, must_take(fd).slot);
	is_ready();
	do {
		FD_ZERO(&set);
		FD_SET(fd, &set);
		CHECK(select(fd + 1, &set, NULL, NULL, NULL) == 1);
	} while (drain(fd));
	woke();
}

/* Reads a register through its mapping until it cannot. */
static void bar_mapping(void)
{
	int fd = open_bar(O_RDWR), signal;
	const uint8_t *map = map_bar(fd, PROT_READ | PROT_WRITE);
	uint32_t value;

	is_ready();
	while (!(signal = probe_word(map, &value)) && !shared->leave)
		sleep_ms(1);
	woke();
	EXPECT_MSG(signal == SIGBUS, "access to the BAR mapping: signal %d, not SIGBUS", signal);
	wait_gone();
	EXPECT(probe_word(map, &value) == SIGBUS);
	bar_is_gone(fd);
	close(fd);
	EXPECT(probe_word(map, &value) == SIGBUS);
}

/* The file closed long before, the mapping inherited. */
static void bar_mapping_of_a_child(void)
{
	int fd = open_bar(O_RDONLY), signal, status;
	const uint8_t *map = map_bar(fd, PROT_READ);
	uint32_t value;
	pid_t pid;

	/* touched here, and not in the child before the card is gone */
	CHECK(probe_word(map, &value) == 0);
	close(fd);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		wait_gone();
		signal = probe_word(map, &value);
		_exit(signal);
	}
	is_ready();
	wait_gone();
	woke();
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT_MSG(WIFEXITED(status) && WEXITSTATUS(status) == SIGBUS,
		   "the child's access to the BAR mapping: status %#x, not SIGBUS", status);
}

static void bar_pread(void)
{
	int fd = open_bar(O_RDWR);
	uint32_t value;

	is_ready();
	while (pread(fd, &value, 4, 0) == 4 && !shared->leave)
		sleep_ms(1);
	woke();
	EXPECT(errno == ENODEV);
	wait_gone();
	bar_is_gone(fd);
}

/* A frame that is held: its bytes before, and after, and a while after. */
struct kept {
	int fd;
	uint8_t *map;
	size_t size;
	struct grabber_take take;
	uint64_t sum;
};

static struct kept keep_a_frame(void)
{
	struct kept kept = { .fd = open_frames(O_RDWR) };

	kept.size = get_buffer(kept.fd).mmap_size;
	kept.map = map_frames(kept.fd, PROT_READ);
	kept.take = must_take(kept.fd);
	kept.sum = checksum(kept.map + kept.take.offset, kept.take.bytes);
	is_ready();
	wait_gone();
	woke();
	return kept;
}

static void check_kept(const struct kept *kept)
{
	uint64_t whole = checksum(kept->map, kept->size);

	EXPECT_MSG(checksum(kept->map + kept->take.offset, kept->take.bytes) == kept->sum,
		   "the frame that was held changed with the removal");
	sleep_ms(300);
	EXPECT_MSG(checksum(kept->map, kept->size) == whole,
		   "the buffer changes after the card is gone");
}

static void frame_kept_closed_first(void)
{
	struct kept kept = keep_a_frame();

	check_kept(&kept);
	frames_are_gone(kept.fd);
	close(kept.fd);
	check_kept(&kept);
	munmap(kept.map, kept.size);
}

static void frame_kept_unmapped_first(void)
{
	struct kept kept = keep_a_frame();
	struct grabber_give give = { .slot = kept.take.slot };

	check_kept(&kept);
	munmap(kept.map, kept.size);
	EXPECT(ioctl(kept.fd, GRABBER_IOC_GIVE, &give) == 0);
	frames_are_gone(kept.fd);
	close(kept.fd);
}

static void frame_kept_until_death(void)
{
	struct kept kept = keep_a_frame();

	check_kept(&kept);
	while (!shared->leave)
		sleep_ms(10);
	raise(SIGKILL);
}

/* Takes, looks at every byte and gives, as fast as it goes. */
static void streaming(void)
{
	int fd = open_frames(O_RDONLY), err;
	const uint8_t *map = map_frames(fd, PROT_READ);
	struct grabber_take take;

	must_give(fd, must_take(fd).slot);
	is_ready();
	while (!(err = take_frame(fd, &take, -1))) {
		uint64_t sum = checksum(map + take.offset, take.bytes);

		EXPECT(checksum(map + take.offset, take.bytes) == sum);
		must_give(fd, take.slot);
	}
	woke();
	EXPECT(err == ENODEV);
}

/* Opened, and nothing else: its first steps come after the removal. */
static void idle_files(void)
{
	int frames = open_frames(O_RDWR | O_NONBLOCK), bar = open_bar(O_RDWR);

	is_ready();
	wait_gone();
	woke();
	frames_are_gone(frames);
	bar_is_gone(bar);
}

static const struct role roles[] = {
	{ "asleep in read", asleep_in_read },
	{ "asleep in TAKE", asleep_in_take_for_ever },
	{ "asleep in TAKE with a limit", asleep_in_take_with_a_limit },
	{ "asleep in poll", asleep_in_poll },
	{ "asleep in poll for nothing", asleep_in_poll_for_nothing },
	{ "asleep in epoll_wait", asleep_in_epoll },
	{ "asleep in select", asleep_in_select },
	{ "BAR mapping", bar_mapping },
	{ "BAR mapping of a child", bar_mapping_of_a_child },
	{ "BAR pread", bar_pread },
	{ "frame kept, file closed first", frame_kept_closed_first },
	{ "frame kept, unmapped first", frame_kept_unmapped_first },
	{ "frame kept until death", frame_kept_until_death },
	{ "streaming", streaming },
	{ "idle files", idle_files },
};
#define ROLES ((int)(sizeof(roles) / sizeof(roles[0])))

static void wait_word(const char *word)
{
	char line[64];

	CHECK_MSG(fgets(line, sizeof(line), stdin) && !strncmp(line, word, strlen(word)),
		  "\"%s\" was expected on standard input", word);
}

static void say(const char *word)
{
	tap_note("%s", word);
}

/* All ready, and in their sleep. */
static void wait_ready(bool idle, const pid_t *pids)
{
	int64_t end = now_ns() + 60 * NS_PER_S;

	while (shared->ready < ROLES) {
		for (int i = 0; i < ROLES; i++) {
			int status;

			CHECK_MSG(waitpid(pids[i], &status, WNOHANG) == 0,
				  "\"%s\" ended before the card was gone", roles[i].name);
		}
		CHECK_MSG(now_ns() < end, "only %d of %d are ready", shared->ready, ROLES);
		sleep_ms(20);
	}
	if (idle) {
		int bar = open_bar(O_RDWR);

		CHECK_MSG(is_video_source(bar), "only the video source can be idle");
		bar_write32(bar, VS_RATE, 1);
		close(bar);
	}
	sleep_ms(700);
}

static bool all_woke(void)
{
	for (int i = 0; i < ROLES; i++)
		if (!shared->woke_at[i])
			return false;
	return true;
}

static void join(const pid_t *pids)
{
	int64_t end = now_ns() + 40 * NS_PER_S;

	for (int i = 0; i < ROLES; i++) {
		int status;

		while (!waitpid(pids[i], &status, WNOHANG) && now_ns() < end)
			sleep_ms(20);
		if (now_ns() >= end) {
			EXPECT_MSG(false, "\"%s\" does not end; it %s", roles[i].name,
				   shared->woke_at[i] ? "woke, though" : "never woke");
			kill(pids[i], SIGKILL);
			continue;
		}
		if (WIFSIGNALED(status) && roles[i].run == frame_kept_until_death)
			status = 0;
		EXPECT_MSG(status == 0, "\"%s\" failed", roles[i].name);
		EXPECT_MSG(shared->woke_at[i] - shared->gone_at < WAKE_LIMIT,
			   "\"%s\" woke %lld ms after the removal was over", roles[i].name,
			   (long long)((shared->woke_at[i] - shared->gone_at) / NS_PER_MS));
	}
}

TEST_LIMIT(removal, 200)
{
	int frames = open_frames(O_RDWR), bar = open_bar(O_RDWR), fd;
	bool idle = tap_argc > 2 && !strcmp(tap_argv[2], "idle");
	uint8_t *frame_map = map_frames(frames, PROT_READ | PROT_WRITE);
	uint8_t *bar_map = map_bar(bar, PROT_READ);
	uint32_t value, before;
	pid_t pids[32];

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(shared != MAP_FAILED && ROLES <= 32);
	for (int i = 0; i < ROLES; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (!pids[i]) {
			close(frames);
			close(bar);
			this_role = i;
			roles[i].run();
			tap_stop();
		}
	}
	wait_ready(idle, pids);
	say("READY");
	wait_word("gone");
	/* What is told now may be told late, but what is done was done before. */
	shared->gone_at = now_ns();
	while (!all_woke() && now_ns() - shared->gone_at < WAKE_LIMIT)
		sleep_ms(20);
	shared->leave = true;
	join(pids);

	fd = open(node_path(card_number(), false), O_RDONLY);
	EXPECT_MSG(fd < 0, "the frame node of a card that is gone can be opened");
	fd = open(node_path(card_number(), true), O_RDONLY);
	EXPECT_MSG(fd < 0, "the register node of a card that is gone can be opened");
	EXPECT(probe_word(bar_map, &value) == SIGBUS);
	/* Frame memory is ours still, to read and to write. */
	EXPECT(probe_word(frame_map, &before) == 0);
	*(volatile uint32_t *)frame_map = before + 1;
	EXPECT(probe_word(frame_map, &value) == 0 && value == before + 1);
	frames_are_gone(frames);
	bar_is_gone(bar);
	say("CHECKED");
	wait_word("close");
}
