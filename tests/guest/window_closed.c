// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register window while the card is being reset, which takes a second or more. The
 * processor that does it is busy all that time: what is looked at is on another.
 *
 * window_closed [CARD]
 */
#include <signal.h>
#include <sys/wait.h>

#include "card.h"
#include "video_source.h"

static void by_sysfs(int bar, volatile uint32_t *map)
{
	char path[128];
	int fd;

	(void)map;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", get_info(bar).bus);
	run_on(0);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "1", 1) != 1)
		_exit(2);
}

static volatile bool *closed;

/* A process that does @what once the window is closed, which may be soon over. */
static pid_t spawn(void (*what)(int bar, volatile uint32_t *map), int bar, volatile uint32_t *map)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		while (what != by_sysfs && !*closed)
			sleep_ms(1);
		what(bar, map);
		_exit(0);
	}
	return pid;
}

static void by_call(int bar, volatile uint32_t *map)
{
	(void)map;
	if (bar_read32(bar, VS_ID) != VS_ID_MAGIC)
		_exit(2);
}

static void by_mapping(int bar, volatile uint32_t *map)
{
	(void)bar;
	if (map[VS_ID / 4] != VS_ID_MAGIC)
		_exit(2);
}

/* The kernel itself reads the mapping, on behalf of a write(). */
static void by_kernel(int bar, volatile uint32_t *map)
{
	int pipes[2];

	(void)bar;
	if (pipe(pipes) || write(pipes[1], (void *)map, 4) != 4)
		_exit(2);
}

static int how_it_ended(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

TEST(accesses_wait)
{
	int nonblock = open_bar(O_RDWR | O_NONBLOCK), bar = open_bar(O_RDWR);
	volatile uint32_t *map = map_bar(bar, PROT_READ | PROT_WRITE);
	int64_t end = now_ns() + 20 * NS_PER_S, start;
	pid_t call, mapping, kernel, killed[2], resets;
	uint32_t id;

	CHECK(map[VS_ID / 4] == VS_ID_MAGIC);
	closed = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run_on(1);
	call = spawn(by_call, bar, map);
	mapping = spawn(by_mapping, bar, map);
	kernel = spawn(by_kernel, bar, map);
	killed[0] = spawn(by_call, bar, map);
	killed[1] = spawn(by_mapping, bar, map);
	resets = spawn(by_sysfs, bar, map);
	while (pread(nonblock, &id, sizeof(id), VS_ID) == sizeof(id)) {
		CHECK_MSG(id == VS_ID_MAGIC, "pread gave %#x", id);
		CHECK_MSG(now_ns() < end, "the window was not closed");
	}
	CHECK(errno == EAGAIN);
	*closed = true;
	EXPECT_ERRNO(pwrite(nonblock, &id, sizeof(id), VS_RATE), EAGAIN);
	sleep_ms(50);
	start = now_ns();
	for (int i = 0; i < 2; i++) {
		kill(killed[i], SIGTERM);
		EXPECT(WIFSIGNALED(how_it_ended(killed[i])));
	}
	EXPECT_MSG(now_ns() - start < NS_PER_S, "who waits cannot be killed");
	EXPECT_MSG(pread(nonblock, &id, sizeof(id), VS_ID) < 0, "the reset is over too soon");
	EXPECT(how_it_ended(call) == 0);
	EXPECT(how_it_ended(mapping) == 0);
	EXPECT(how_it_ended(kernel) == 0);
	EXPECT(how_it_ended(resets) == 0);
	EXPECT(map[VS_ID / 4] == VS_ID_MAGIC);
}
