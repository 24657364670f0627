// SPDX-License-Identifier: GPL-2.0-only
/* What mmap() of either node must refuse, and what it must allow. */
#include <signal.h>
#include <sys/wait.h>

#include "card.h"

/* A node under test: its region, and the file opened for it. */
struct region {
	const char *name;
	bool bar;
	size_t size;
	int fd;
};

static struct region open_region(bool bar, int flags)
{
	struct region region = { .name = node_path(card_number(), bar), .bar = bar };

	region.fd = bar ? open_bar(flags) : open_frames(flags);
	if (bar)
		region.size = get_info(region.fd).bar_mmap_size;
	else
		region.size = get_buffer(region.fd).mmap_size;
	CHECK_MSG(region.size && region.size % PAGE == 0,
		  "%s: a region of %zu bytes cannot be mapped", region.name, region.size);
	return region;
}

/* Maps and unmaps; the errno, or 0. */
static int try_map(int fd, size_t length, int prot, int flags, uint64_t offset)
{
	void *map = mmap(NULL, length, prot, flags, fd, (off_t)offset);

	if (map == MAP_FAILED)
		return errno;
	munmap(map, length);
	return 0;
}

static void expect_einval(const struct region *region, size_t length, uint64_t offset)
{
	int err = try_map(region->fd, length, PROT_READ, MAP_SHARED, offset);

	EXPECT_MSG(err == EINVAL, "%s: mmap of %#zx bytes at %#llx gave %s, not EINVAL",
		   region->name, length, (unsigned long long)offset, strerror(err));
}

static void both_nodes(void (*test)(const struct region *region), int flags)
{
	for (int bar = 0; bar <= 1; bar++) {
		struct region region = open_region(bar, flags);

		test(&region);
		close(region.fd);
	}
}

static void whole_region(const struct region *region)
{
	EXPECT(try_map(region->fd, region->size, PROT_READ, MAP_SHARED, 0) == 0);
	EXPECT(try_map(region->fd, region->size - 100, PROT_READ, MAP_SHARED, 0) == 0);
	EXPECT(try_map(region->fd, 1, PROT_READ, MAP_SHARED, region->size - PAGE) == 0);
}

TEST(whole_region_maps)
{
	both_nodes(whole_region, O_RDONLY);
}

static void outside(const struct region *region)
{
	size_t size = region->size;

	/* no length */
	expect_einval(region, 0, 0);
	expect_einval(region, 0, size);
	/* the offset is outside */
	expect_einval(region, PAGE, size);
	expect_einval(region, PAGE, size + PAGE);
	expect_einval(region, 1, size);
	expect_einval(region, PAGE, 2 * size);
	/* the length reaches outside */
	expect_einval(region, size + 1, 0);
	expect_einval(region, size + PAGE, 0);
	expect_einval(region, 2 * size, 0);
	expect_einval(region, 2 * PAGE, size - PAGE);
	expect_einval(region, PAGE + 1, size - PAGE);
	expect_einval(region, size, PAGE);
	/* offsets and lengths that are right once they lost their upper half */
	for (int bit = 32; bit < 63; bit++)
		expect_einval(region, PAGE, 1ULL << bit);
	if (sizeof(size_t) == 8)
		expect_einval(region, (size_t)((1ULL << 32) + PAGE), 0);
	expect_einval(region, PAGE, (1ULL << 44) + PAGE);
	/* not on a page */
	expect_einval(region, PAGE, 1);
	expect_einval(region, PAGE, 2048);
}

TEST(outside_is_einval)
{
	both_nodes(outside, O_RDONLY);
}

/*
 * Where offset + length runs over 64 bits. The kernel itself sees to that with
 * EOVERFLOW before any driver is asked, and lets through what just fits.
 */
static void overflow(const struct region *region)
{
	static const struct { uint64_t length, offset; } past[] = {
		{ PAGE, ~0ULL << 12 },
		{ 2 * PAGE, ~0ULL << 12 },
		{ 2 * PAGE, ~0ULL << 13 },
		{ 1ULL << 40, ~0ULL << 30 },
	};

	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
		int err = try_map(region->fd, past[i].length, PROT_READ, MAP_SHARED,
				  past[i].offset);

		EXPECT_MSG(err == EINVAL || err == EOVERFLOW,
			   "%s: mmap of %#llx bytes at %#llx gave %s", region->name,
			   (unsigned long long)past[i].length,
			   (unsigned long long)past[i].offset, strerror(err));
	}
	expect_einval(region, PAGE, (~0ULL << 12) - 2 * PAGE);
	expect_einval(region, PAGE, 1ULL << 63);
	/* ends one page short of 2^64: its sum in pages wraps where that is an int */
	expect_einval(region, 16 * PAGE, (~0ULL << 12) - 17 * PAGE);
}

TEST(overflow_is_refused)
{
	both_nodes(overflow, O_RDONLY);
}

/* The last page, one in the middle, the second one: any that exist. */
static size_t inner_offset(size_t size, int which)
{
	size_t pages = size / PAGE;

	switch (which) {
	case 0:
		return (pages > 1 ? 1 : 0) * PAGE;
	case 1:
		return pages / 2 * PAGE;
	default:
		return (pages - 1) * PAGE;
	}
}

TEST(inner_part_of_frames_is_the_same_bytes)
{
	struct region region = open_region(false, O_RDWR);
	/* All but the status page can be written. */
	size_t slots = get_buffer(region.fd).status_offset;
	uint8_t *whole = map_frames(region.fd, PROT_READ | PROT_WRITE);

	/* Nobody captures: the slots are ours, and every page gets its number. */
	for (size_t at = 0; at < slots; at += PAGE)
		*(uint64_t *)(whole + at + 8) = at ^ 0x5a5a000000000000;
	for (int which = 0; which < 3; which++) {
		size_t offset = inner_offset(slots, which);
		size_t length = slots - offset;
		uint8_t *part = mmap(NULL, length, PROT_READ, MAP_SHARED, region.fd, offset);

		CHECK_MSG(part != MAP_FAILED, "mmap of %#zx bytes at %#zx: %s", length,
			  offset, strerror(errno));
		for (size_t at = 0; at < length; at += PAGE) {
			uint64_t got = *(uint64_t *)(part + at + 8);

			CHECK_MSG(got == ((offset + at) ^ 0x5a5a000000000000),
				  "the page at %#zx shows as %#llx", offset + at,
				  (unsigned long long)got);
		}
		munmap(part, length);
	}
}

TEST(inner_part_of_bar_is_the_same_bytes)
{
	struct region region = open_region(true, O_RDONLY);
	uint8_t *whole = map_bar(region.fd, PROT_READ);

	for (int which = 0; which < 3; which++) {
		size_t offset = inner_offset(region.size, which);
		volatile uint32_t *part = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, region.fd,
					       offset);
		uint32_t direct, through_whole;

		CHECK_MSG(part != MAP_FAILED, "mmap of a page at %#zx: %s", offset,
			  strerror(errno));
		direct = bar_read32(region.fd, offset);
		through_whole = *(volatile uint32_t *)(whole + offset);
		CHECK_MSG(part[0] == direct && through_whole == direct,
			  "at %#zx: pread %#x, whole mapping %#x, its own mapping %#x", offset,
			  direct, through_whole, part[0]);
		munmap((void *)part, PAGE);
	}
	/* Page 0 is not everywhere: an identity register stands at 0 alone. */
	if (region.size > PAGE)
		EXPECT_MSG(bar_read32(region.fd, 0) != bar_read32(region.fd, region.size - PAGE),
			   "the first and the last page look the same: nothing was proved");
}

static void write_on_readonly(const struct region *region)
{
	void *map;

	EXPECT(try_map(region->fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0) == EACCES);
	EXPECT(try_map(region->fd, PAGE, PROT_WRITE, MAP_SHARED, 0) == EACCES);
	map = mmap(NULL, region->size, PROT_READ, MAP_SHARED, region->fd, 0);
	CHECK(map != MAP_FAILED);
	EXPECT_ERRNO(mprotect(map, PAGE, PROT_READ | PROT_WRITE), EACCES);
	EXPECT_ERRNO(mprotect(map, region->size, PROT_WRITE), EACCES);
	munmap(map, region->size);
}

TEST(no_write_on_readonly_open)
{
	both_nodes(write_on_readonly, O_RDONLY);
}

static void write_on_readwrite(const struct region *region)
{
	void *map;

	/* All of a BAR, and of the frames all slots. */
	size_t size = region->bar ? region->size : get_buffer(region->fd).status_offset;

	EXPECT(try_map(region->fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0) == 0);
	EXPECT(try_map(region->fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0) == 0);
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, region->fd, 0);
	CHECK(map != MAP_FAILED);
	EXPECT(mprotect(map, PAGE, PROT_READ | PROT_WRITE) == 0);
	munmap(map, size);
}

TEST(write_on_readwrite_open)
{
	both_nodes(write_on_readwrite, O_RDWR);
}

static void exec(const struct region *region)
{
	void *map;

	EXPECT(try_map(region->fd, PAGE, PROT_EXEC, MAP_SHARED, 0) != 0);
	EXPECT(try_map(region->fd, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, 0) != 0);
	EXPECT(try_map(region->fd, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, 0) != 0);
	map = mmap(NULL, region->size, PROT_READ, MAP_SHARED, region->fd, 0);
	CHECK(map != MAP_FAILED);
	EXPECT_ERRNO(mprotect(map, PAGE, PROT_READ | PROT_EXEC), EACCES);
	EXPECT_ERRNO(mprotect(map, PAGE, PROT_EXEC), EACCES);
	munmap(map, region->size);
}

TEST(no_exec)
{
	both_nodes(exec, O_RDWR);
	both_nodes(exec, O_RDONLY);
}

static void private_map(const struct region *region)
{
	EXPECT(try_map(region->fd, PAGE, PROT_READ, MAP_PRIVATE, 0) == EINVAL);
	EXPECT(try_map(region->fd, region->size, PROT_READ, MAP_PRIVATE, 0) == EINVAL);
	EXPECT(try_map(region->fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0) == EINVAL);
}

TEST(no_private)
{
	both_nodes(private_map, O_RDWR);
	both_nodes(private_map, O_RDONLY);
}

static void unmap_parts(const struct region *region)
{
	size_t pages = region->size / PAGE;
	uint8_t *map, value;

	if (pages < 3) {
		tap_note("%s has %zu pages: too few for a hole", region->name, pages);
		return;
	}
	map = mmap(NULL, region->size, PROT_READ, MAP_SHARED, region->fd, 0);
	CHECK(map != MAP_FAILED);
	EXPECT(munmap(map + pages / 2 * PAGE, PAGE) == 0);
	EXPECT(probe_byte(map, &value) == 0);
	EXPECT(probe_byte(map + region->size - PAGE, &value) == 0);
	EXPECT(probe_byte(map + pages / 2 * PAGE, &value) == SIGSEGV);
	EXPECT(munmap(map, PAGE) == 0);
	EXPECT(munmap(map + region->size - PAGE, PAGE) == 0);
	if (pages > 4)
		EXPECT(probe_byte(map + PAGE, &value) == 0);
	EXPECT(munmap(map, region->size) == 0);
}

TEST(unmapped_in_parts)
{
	both_nodes(unmap_parts, O_RDONLY);
}

/* The mapping goes to the child, and lives on there without the parent's. */
static void forked(const struct region *region)
{
	uint8_t *map = mmap(NULL, region->size, PROT_READ, MAP_SHARED, region->fd, 0);
	uint32_t before;
	int status;
	pid_t pid;

	CHECK(map != MAP_FAILED);
	CHECK(probe_word(map, &before) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		uint32_t value;
		int signal;

		sleep_ms(300);
		signal = probe_word(map, &value);
		_exit(signal ? 2 : value != before);
	}
	munmap(map, region->size);
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT_MSG(status == 0, "%s: the child's mapping: status %#x", region->name, status);
}

TEST(mapping_survives_fork)
{
	both_nodes(forked, O_RDONLY);
}

static void grow(const struct region *region)
{
	size_t size = region->size;
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, region->fd, 0);
	uint32_t before, after;
	void *moved;

	CHECK(map != MAP_FAILED);
	EXPECT(mremap(map, size, size + PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	EXPECT(mremap(map, size, 2 * size, MREMAP_MAYMOVE) == MAP_FAILED);
	/* The last page, grown: the part added would lie outside. */
	EXPECT(mremap(map + size - PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK(probe_word(map, &before) == 0);
	/* Elsewhere at its own size it shows the same. */
	moved = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(moved != MAP_FAILED);
	moved = mremap(map, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, moved);
	CHECK(moved != MAP_FAILED);
	EXPECT(probe_word(moved, &after) == 0 && after == before);
	munmap(moved, size);
}

TEST(mremap_does_not_grow)
{
	both_nodes(grow, O_RDONLY);
}

static void closed(const struct region *region)
{
	void *map = mmap(NULL, region->size, PROT_READ, MAP_SHARED, region->fd, 0);
	uint32_t before, after;

	CHECK(map != MAP_FAILED);
	CHECK(probe_word(map, &before) == 0);
	close(region->fd);
	EXPECT(probe_word(map, &after) == 0 && after == before);
	munmap(map, region->size);
}

TEST(mapping_outlives_its_descriptor)
{
	both_nodes(closed, O_RDONLY);
}

/* Pages thrown out and asked for again come back the same. */
static void faulted_again(const struct region *region)
{
	void *map = mmap(NULL, region->size, PROT_READ, MAP_SHARED | MAP_POPULATE, region->fd, 0);
	uint32_t before, after;

	CHECK(map != MAP_FAILED);
	CHECK(probe_word(map, &before) == 0);
	/* Refused for device memory, allowed for pages; either way it still reads. */
	madvise(map, region->size, MADV_DONTNEED);
	EXPECT(probe_word(map, &after) == 0 && after == before);
	munmap(map, region->size);
}

TEST(mapping_after_madvise)
{
	both_nodes(faulted_again, O_RDONLY);
}

static void write_only(const struct region *region)
{
	EXPECT(try_map(region->fd, PAGE, PROT_READ, MAP_SHARED, 0) == EACCES);
}

TEST(no_mapping_of_a_writeonly_open)
{
	for (int bar = 0; bar <= 1; bar++) {
		struct region region = open_region(bar, O_RDWR);
		int fd = bar ? open_bar(O_WRONLY) : open_frames(O_WRONLY);

		close(region.fd);
		region.fd = fd;
		write_only(&region);
		close(fd);
	}
}

/* Many at once, torn down in order. */
TEST(a_thousand_mappings)
{
	struct region region = open_region(false, O_RDONLY);
	struct region bar = open_region(true, O_RDONLY);
	void *maps[1000];

	for (int i = 0; i < 1000; i++) {
		maps[i] = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, i % 2 ? bar.fd : region.fd, 0);
		CHECK(maps[i] != MAP_FAILED);
	}
	for (int i = 0; i < 1000; i++)
		CHECK(munmap(maps[i], PAGE) == 0);
}
