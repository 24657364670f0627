// SPDX-License-Identifier: GPL-2.0-only
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "card.h"
#include "video_source.h"

int card_number(void)
{
	return tap_argc > 1 ? atoi(tap_argv[1]) : 0;
}

const char *node_path(int card, bool bar)
{
	static char path[64];

	snprintf(path, sizeof(path), "/dev/grabber%d%s", card, bar ? "-bar" : "");
	return path;
}

static int open_node(bool bar, int flags)
{
	const char *path = node_path(card_number(), bar);
	int fd = open(path, flags | O_CLOEXEC);

	CHECK_MSG(fd >= 0, "cannot open %s: %s", path, strerror(errno));
	return fd;
}

int open_frames(int flags)
{
	return open_node(false, flags);
}

int open_bar(int flags)
{
	return open_node(true, flags);
}

struct grabber_info get_info(int fd)
{
	struct grabber_info info;

	CHECK(ioctl(fd, GRABBER_IOC_INFO, &info) == 0);
	return info;
}

struct grabber_buffer get_buffer(int fd)
{
	struct grabber_buffer buffer;

	CHECK(ioctl(fd, GRABBER_IOC_GET_BUFFER, &buffer) == 0);
	return buffer;
}

struct grabber_format get_format(int fd)
{
	struct grabber_format format;

	CHECK(ioctl(fd, GRABBER_IOC_GET_FORMAT, &format) == 0);
	return format;
}

struct grabber_stats get_stats(int fd)
{
	struct grabber_stats stats;

	CHECK(ioctl(fd, GRABBER_IOC_GET_STATS, &stats) == 0);
	return stats;
}

int take_frame(int fd, struct grabber_take *take, int64_t timeout_ns)
{
	memset(take, 0, sizeof(*take));
	take->timeout_ns = timeout_ns;
	return ioctl(fd, GRABBER_IOC_TAKE, take) ? errno : 0;
}

struct grabber_take must_take(int fd)
{
	struct grabber_take take;
	int err = take_frame(fd, &take, 20 * NS_PER_S);

	CHECK_MSG(!err, "no frame: %s", strerror(err));
	return take;
}

void must_give(int fd, uint32_t slot)
{
	struct grabber_give give = { .slot = slot };

	CHECK(ioctl(fd, GRABBER_IOC_GIVE, &give) == 0);
}

int poll_for(int fd, short events, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int ready = poll(&poll_fd, 1, ms);

	return ready < 0 ? -errno : poll_fd.revents;
}

void check_sums(struct grabber_stats stats)
{
	uint64_t sum = stats.delivered + stats.truncated + stats.dropped_no_slot +
		       stats.dropped_error + stats.dropped_stop + stats.lost_by_card;

	if (stats.begun == sum)
		return;
	print_stats("do not add up", &stats);
	EXPECT_MSG(false, "%llu frames begun, but %llu accounted for",
		   (unsigned long long)stats.begun, (unsigned long long)sum);
}

void print_stats(const char *when, const struct grabber_stats *stats)
{
	tap_note("%s: begun %llu delivered %llu truncated %llu no_slot %llu error %llu stop %llu lost_by_card %llu held %u",
		 when, (unsigned long long)stats->begun, (unsigned long long)stats->delivered,
		 (unsigned long long)stats->truncated, (unsigned long long)stats->dropped_no_slot,
		 (unsigned long long)stats->dropped_error, (unsigned long long)stats->dropped_stop,
		 (unsigned long long)stats->lost_by_card, stats->held);
}

void *map_frames(int fd, int prot)
{
	struct grabber_buffer buffer = get_buffer(fd);
	size_t size = prot & PROT_WRITE ? buffer.status_offset : buffer.mmap_size;
	void *map = mmap(NULL, size, prot, MAP_SHARED, fd, 0);

	CHECK_MSG(map != MAP_FAILED, "cannot map the frames: %s", strerror(errno));
	return map;
}

void *map_bar(int fd, int prot)
{
	struct grabber_info info = get_info(fd);
	void *map;

	CHECK_MSG(info.bar_mmap_size, "this BAR cannot be mapped");
	map = mmap(NULL, info.bar_mmap_size, prot, MAP_SHARED, fd, 0);
	CHECK_MSG(map != MAP_FAILED, "cannot map the BAR: %s", strerror(errno));
	return map;
}

uint64_t physical_address(const volatile void *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	(void)*(const volatile uint8_t *)at;
	CHECK(fd >= 0);
	CHECK(pread(fd, &entry, 8, (uintptr_t)at / PAGE * 8) == 8);
	close(fd);
	CHECK_MSG(entry >> 63, "a page of the mapping is not there");
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

uint32_t bar_read32(int bar, off_t offset)
{
	uint32_t value;

	CHECK(pread(bar, &value, sizeof(value), offset) == sizeof(value));
	return value;
}

void bar_write32(int bar, off_t offset, uint32_t value)
{
	CHECK(pwrite(bar, &value, sizeof(value), offset) == sizeof(value));
}

uint64_t bar_counter(int bar, off_t offset)
{
	uint64_t low = bar_read32(bar, offset);

	return low | (uint64_t)bar_read32(bar, offset + 4) << 32;
}

bool is_video_source(int bar)
{
	uint32_t id;

	return pread(bar, &id, sizeof(id), VS_ID) == sizeof(id) && id == VS_ID_MAGIC;
}

void set_rate(uint32_t frames_in_1000s)
{
	int bar = open_bar(O_RDWR);

	if (!is_video_source(bar))
		tap_skip("the register window is not a video source");
	bar_write32(bar, VS_RATE, frames_in_1000s);
	close(bar);
}

int open_quiet(void)
{
	struct grabber_take take;
	int fd;

	set_rate(RATE_HARDLY_ANY);
	fd = open_frames(O_RDONLY);
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	while (take_frame(fd, &take, NS_PER_S) == 0)
		must_give(fd, take.slot);
	return fd;
}

int unmask_irqs(int bar, uint32_t lines)
{
	return ioctl(bar, GRABBER_IOC_UNMASK_IRQ, &lines) ? errno : 0;
}

static sigjmp_buf probe_jump;

static void probe_signal(int number)
{
	siglongjmp(probe_jump, number);
}

#define PROBE(type, at, value)							\
	({									\
		struct sigaction catch = { .sa_handler = probe_signal };	\
		struct sigaction old_bus, old_segv;				\
		int signal_;							\
										\
		sigaction(SIGBUS, &catch, &old_bus);				\
		sigaction(SIGSEGV, &catch, &old_segv);				\
		signal_ = sigsetjmp(probe_jump, 1);				\
		if (!signal_)							\
			*(value) = *(const volatile type *)(at);		\
		sigaction(SIGBUS, &old_bus, NULL);				\
		sigaction(SIGSEGV, &old_segv, NULL);				\
		signal_;							\
	})

int probe_byte(const volatile void *at, uint8_t *value)
{
	return PROBE(uint8_t, at, value);
}

int probe_word(const volatile void *at, uint32_t *value)
{
	return PROBE(uint32_t, at, value);
}

/* Any change of a bit changes it; quick enough for 6 MB under emulation. */
uint64_t checksum(const void *data, size_t bytes)
{
	const uint64_t *words = data;
	const uint8_t *rest = data;
	uint64_t sum = bytes;

	for (size_t i = 0; i < bytes / 8; i++)
		sum = (sum ^ words[i]) * 0x100000001b3ULL;
	for (size_t i = bytes / 8 * 8; i < bytes; i++)
		sum = (sum ^ rest[i]) * 0x100000001b3ULL;
	return sum;
}

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec nap = { ms / 1000, ms % 1000 * NS_PER_MS };

	while (nanosleep(&nap, &nap))
		CHECK(errno == EINTR);
}

void run_on(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}
