// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file of the register node chooses its BAR. The virtual card has the video source in
 * BAR 0, the DMA core in BAR 1, and memory in BAR 2, which is prefetchable and may have
 * gigabytes.
 *
 * bars CARD SIZE-OF-BAR-2
 */
#include <signal.h>
#include <sys/wait.h>

#include "card.h"
#include "video_source.h"

#define SOURCE	0
#define CORE	1
#define MEMORY	2

static uint64_t memory_size(void)
{
	return strtoull(tap_argv[2], NULL, 0);
}

/* 0 or the errno */
static int choose(int fd, uint32_t bar, uint32_t flags)
{
	struct grabber_bar args = { .bar = bar, .flags = flags };

	return ioctl(fd, GRABBER_IOC_SET_BAR, &args) ? errno : 0;
}

static int open_choice(uint32_t bar, uint32_t flags)
{
	int fd = open_bar(O_RDWR), err = choose(fd, bar, flags);

	CHECK_MSG(!err, "BAR %u cannot be chosen: %s", bar, strerror(err));
	return fd;
}

static volatile uint32_t *map_page(int fd, uint64_t offset)
{
	return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

/* 0 or the errno of a mapping, which is not kept */
static int try_mapping(int fd, uint64_t offset)
{
	void *map = (void *)map_page(fd, offset);

	if (map == MAP_FAILED)
		return errno;
	munmap(map, PAGE);
	return 0;
}

static void expect_bar(int fd, uint32_t from, uint32_t bar, uint32_t flags, uint64_t size,
		       uint64_t mmap_size)
{
	struct grabber_bar args = { .bar = from };

	CHECK(ioctl(fd, GRABBER_IOC_ENUM_BAR, &args) == 0);
	EXPECT_MSG(args.bar == bar && args.flags == flags && args.size == size &&
		   args.mmap_size == mmap_size && !args.reserved[0] && !args.reserved[1],
		   "after %u: BAR %u, flags %#x, %#llx bytes, %#llx to be mapped", from, args.bar,
		   args.flags, (unsigned long long)args.size, (unsigned long long)args.mmap_size);
}

static void expect_list(int fd)
{
	struct grabber_bar args = { .bar = MEMORY + 1 };
	uint32_t memory = GRABBER_BAR_PREFETCHABLE | GRABBER_BAR_64BIT | GRABBER_BAR_REACHABLE;

	expect_bar(fd, 0, SOURCE, GRABBER_BAR_REACHABLE | GRABBER_BAR_DEFAULT | GRABBER_BAR_CHOSEN,
		   0x10000, 0x10000);
	expect_bar(fd, 1, CORE, 0, 0x10000, 0);
	expect_bar(fd, 2, MEMORY, memory, memory_size(), memory_size());
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_ENUM_BAR, &args), EINVAL);
	args.bar = ~0U;
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_ENUM_BAR, &args), EINVAL);
	args = (struct grabber_bar) { .flags = 1 };
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_ENUM_BAR, &args), EINVAL);
}

TEST(they_are_listed)
{
	expect_list(open_bar(O_RDONLY));
	expect_list(open_frames(O_RDONLY));
}

TEST(the_choice_is_the_files)
{
	int chosen = open_bar(O_RDWR), other = open_bar(O_RDWR);
	struct grabber_bar args = { .bar = MEMORY };
	struct grabber_info info;

	CHECK(ioctl(chosen, GRABBER_IOC_SET_BAR, &args) == 0);
	EXPECT(args.size == memory_size() && args.flags & GRABBER_BAR_CHOSEN);
	expect_bar(chosen, 0, SOURCE, GRABBER_BAR_REACHABLE | GRABBER_BAR_DEFAULT, 0x10000,
		   0x10000);
	info = get_info(chosen);
	EXPECT(info.bar_index == MEMORY && info.bar_size == memory_size() &&
	       info.bar_mmap_size == memory_size() &&
	       info.flags & GRABBER_INFO_BAR_PREFETCHABLE);
	EXPECT(lseek(chosen, 0, SEEK_END) == (off_t)memory_size());
	bar_write32(chosen, VS_ID, 0x12345678);
	EXPECT(bar_read32(chosen, VS_ID) == 0x12345678);
	EXPECT(bar_read32(other, VS_ID) == VS_ID_MAGIC);
	EXPECT(get_info(other).bar_index == SOURCE);
	EXPECT(bar_read32(open_bar(O_RDONLY), VS_ID) == VS_ID_MAGIC);
	CHECK(choose(chosen, SOURCE, 0) == 0);
	EXPECT(bar_read32(chosen, VS_ID) == VS_ID_MAGIC);
	EXPECT(lseek(chosen, 0, SEEK_END) == 0x10000);
}

TEST(what_is_refused_changes_nothing)
{
	int fd = open_bar(O_RDWR), readonly = open_bar(O_RDONLY);
	struct grabber_bar args;

	EXPECT(choose(fd, CORE, 0) == EACCES);
	EXPECT(choose(fd, CORE, GRABBER_BAR_WRITE_COMBINING) == EACCES);
	EXPECT(choose(fd, MEMORY + 1, 0) == EINVAL);	/* its upper half */
	EXPECT(choose(fd, 4, 0) == EINVAL && choose(fd, 6, 0) == EINVAL);
	EXPECT(choose(fd, ~0U, 0) == EINVAL && choose(fd, 0x100, 0) == EINVAL);
	EXPECT(choose(fd, SOURCE, GRABBER_BAR_WRITE_COMBINING) == EINVAL);
	for (uint32_t bit = 1; bit; bit <<= 1)
		if (bit != GRABBER_BAR_WRITE_COMBINING)
			EXPECT_MSG(choose(fd, MEMORY, bit) == EINVAL, "flag %#x", bit);
	args = (struct grabber_bar) { .bar = MEMORY, .size = memory_size() };
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_SET_BAR, &args), EINVAL);
	args = (struct grabber_bar) { .bar = MEMORY, .mmap_size = 1 };
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_SET_BAR, &args), EINVAL);
	args = (struct grabber_bar) { .bar = MEMORY, .reserved[1] = 1 };
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_SET_BAR, &args), EINVAL);
	expect_list(fd);
	EXPECT(bar_read32(fd, VS_ID) == VS_ID_MAGIC);
	/* A file that may only read may choose as well. */
	EXPECT(choose(readonly, MEMORY, 0) == 0);
	EXPECT(map_page(readonly, 0) == MAP_FAILED && errno == EACCES);
}

/* The driver maps only what it is asked for: the last register is as near as the first. */
TEST(to_its_last_register)
{
	uint64_t size = memory_size(), offset, value;
	int fd = open_choice(MEMORY, 0);

	for (offset = 8; offset <= size / 2; offset *= 2) {
		uint64_t at = size - offset;

		value = at * 0x9e3779b97f4a7c15;
		EXPECT(pwrite(fd, &value, 8, at) == 8);
		EXPECT(pwrite(fd, &at, 8, offset) == 8);
	}
	for (offset = 8; offset <= size / 4; offset *= 2) {
		uint64_t at = size - offset;

		EXPECT_MSG(pread(fd, &value, 8, at) == 8 && value == at * 0x9e3779b97f4a7c15,
			   "at %#llx: %#llx", (unsigned long long)at, (unsigned long long)value);
		EXPECT_MSG(pread(fd, &value, 8, offset) == 8 && value == at,
			   "at %#llx: %#llx", (unsigned long long)offset,
			   (unsigned long long)value);
	}
	EXPECT_ERRNO(pread(fd, &value, 8, size), EINVAL);
	EXPECT_ERRNO(pread(fd, &value, 8, size - 4), EINVAL);
	EXPECT_ERRNO(pwrite(fd, &value, 1, size), EINVAL);
}

TEST(to_its_last_page)
{
	uint64_t size = memory_size();
	int fd = open_choice(MEMORY, 0);
	volatile uint32_t *last = map_page(fd, size - PAGE);
	volatile uint32_t *all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(last != MAP_FAILED && all != MAP_FAILED);
	last[PAGE / 4 - 1] = 0xfeedf00d;
	EXPECT(bar_read32(fd, size - 4) == 0xfeedf00d);
	EXPECT(all[size / 4 - 1] == 0xfeedf00d);
	all[size / 8] = 0x5eed;
	EXPECT(bar_read32(fd, size / 2) == 0x5eed);
	EXPECT(try_mapping(fd, size) == EINVAL);
	EXPECT(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, size - PAGE) == MAP_FAILED &&
	       errno == EINVAL);
}

TEST(a_mapping_keeps_its_bar)
{
	int fd = open_bar(O_RDWR);
	volatile uint32_t *source = map_page(fd, 0), *memory;

	CHECK(source != MAP_FAILED && choose(fd, MEMORY, 0) == 0);
	memory = map_page(fd, 0);
	CHECK(memory != MAP_FAILED);
	memory[VS_ID / 4] = 0x600d;
	EXPECT(source[VS_ID / 4] == VS_ID_MAGIC);
	CHECK(choose(fd, SOURCE, 0) == 0);
	EXPECT(memory[VS_ID / 4] == 0x600d && source[VS_ID / 4] == VS_ID_MAGIC);
	/* Pages of both that are looked at only now. */
	EXPECT(madvise((void *)memory, PAGE, MADV_DONTNEED) == 0 ||
	       errno == EINVAL);
	EXPECT(memory[VS_ID / 4] == 0x600d);
}

/* The same bytes, whichever way they are looked at. */
TEST(write_combining)
{
	int fd = open_choice(MEMORY, GRABBER_BAR_WRITE_COMBINING);
	volatile uint64_t *map = (volatile uint64_t *)map_page(fd, 0x10000);
	struct grabber_bar args = { .bar = MEMORY };
	uint64_t value;

	CHECK(map != MAP_FAILED);
	CHECK(ioctl(fd, GRABBER_IOC_ENUM_BAR, &args) == 0);
	EXPECT(args.flags & GRABBER_BAR_WRITE_COMBINING && args.flags & GRABBER_BAR_CHOSEN);
	for (unsigned int i = 0; i < PAGE / 8; i++)
		map[i] = i * 3;
	__sync_synchronize();
	for (unsigned int i = 0; i < PAGE / 8; i++)
		EXPECT(pread(fd, &value, 8, 0x10000 + 8 * i) == 8 && value == i * 3);
	value = 0xabcdef;
	EXPECT(pwrite(fd, &value, 8, 0x10008) == 8 && map[1] == 0xabcdef);
	/* Another file may not see it as such. */
	args = (struct grabber_bar) { .bar = MEMORY };
	CHECK(ioctl(open_bar(O_RDONLY), GRABBER_IOC_ENUM_BAR, &args) == 0);
	EXPECT(!(args.flags & GRABBER_BAR_WRITE_COMBINING));
}

/* Of one BAR, as long as there is one mapping of a kind, there is none of the other. */
static void excludes(uint32_t first_flags, uint32_t other_flags)
{
	int first = open_choice(MEMORY, first_flags), other = open_choice(MEMORY, other_flags);
	uint8_t *map = mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, first, 0);
	int pipes[2], status;
	uint32_t value = 1;
	pid_t child;

	CHECK(map != MAP_FAILED && pipe(pipes) == 0);
	EXPECT(try_mapping(first, PAGE) == 0);
	EXPECT(try_mapping(other, 0) == EBUSY);
	EXPECT(try_mapping(other, memory_size() - PAGE) == EBUSY);
	/* Calls go on, and so does the rest of the card. */
	EXPECT(pwrite(other, &value, 4, 8) == 4 && pread(other, &value, 4, 8) == 4);
	EXPECT(try_mapping(open_bar(O_RDWR), 0) == 0);
	/* A hole, a fork, and a part that moves: all of them count. */
	CHECK(munmap(map + PAGE, PAGE) == 0);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		close(pipes[1]);
		_exit(read(pipes[0], &value, 1) != 0);
	}
	CHECK(munmap(map, PAGE) == 0);
	EXPECT(try_mapping(other, 0) == EBUSY);
	CHECK(munmap(map + 2 * PAGE, PAGE) == 0);
	close(first);
	EXPECT_MSG(try_mapping(other, 0) == EBUSY, "a fork's mapping was not counted");
	close(pipes[0]);
	close(pipes[1]);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	EXPECT_MSG(try_mapping(other, 0) == 0, "still busy: %s", strerror(errno));
}

TEST(uncached_excludes_combining)
{
	excludes(0, GRABBER_BAR_WRITE_COMBINING);
}

TEST(combining_excludes_uncached)
{
	excludes(GRABBER_BAR_WRITE_COMBINING, 0);
}

/* Mappings of every kind go away with a reset, and come back by themselves. */
TEST(after_a_reset)
{
	int fd = open_choice(MEMORY, GRABBER_BAR_WRITE_COMBINING), reset;
	uint64_t size = memory_size();
	volatile uint32_t *map = map_page(fd, size - PAGE);
	char path[128];

	CHECK(map != MAP_FAILED);
	map[1] = 0x1234;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", get_info(fd).bus);
	reset = open(path, O_WRONLY);
	CHECK(reset >= 0 && write(reset, "1", 1) == 1);
	EXPECT(map[1] == 0x1234);
	EXPECT(bar_read32(fd, size - PAGE + 4) == 0x1234);
	EXPECT(choose(fd, SOURCE, 0) == 0 && bar_read32(fd, VS_ID) == VS_ID_MAGIC);
}

/* A register of each of 64 KiB, by four at a time, and none reads another's. */
TEST_LIMIT(many_at_a_time, 200)
{
	uint64_t size = memory_size(), step = size / 64;
	pid_t children[4];
	int status;

	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i])
			continue;
		int fd = open_choice(i == 3 ? SOURCE : MEMORY, 0);

		for (int round = 0; round < 40; round++) {
			uint64_t at = (round * 7 + i) % 64 * step + 64 * (i + 1);

			if (i == 3) {
				if (bar_read32(fd, VS_ID) != VS_ID_MAGIC)
					_exit(1);
				continue;
			}
			bar_write32(fd, at, at + i);
			if (bar_read32(fd, at) != (uint32_t)(at + i))
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		CHECK(waitpid(children[i], &status, 0) == children[i]);
		EXPECT_MSG(status == 0, "process %d: status %#x", i, status);
	}
}
