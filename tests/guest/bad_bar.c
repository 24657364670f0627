// SPDX-License-Identifier: GPL-2.0-only
/* pread() and pwrite() of the register window: what is refused, and with what. */
#include "card.h"

static const size_t widths[] = { 1, 2, 4, 8 };

/* A buffer with room for any width under test. */
static uint8_t data[2 * PAGE];

static void expect_einval(int bar, size_t width, int64_t offset)
{
	EXPECT_MSG(pread(bar, data, width, offset) == -1 && errno == EINVAL,
		   "pread of %zu bytes at %#llx: errno %d (%s), not EINVAL", width,
		   (long long)offset, errno, strerror(errno));
	EXPECT_MSG(pwrite(bar, data, width, offset) == -1 && errno == EINVAL,
		   "pwrite of %zu bytes at %#llx: errno %d (%s), not EINVAL", width,
		   (long long)offset, errno, strerror(errno));
}

TEST(misaligned)
{
	int bar = open_bar(O_RDWR);

	for (size_t w = 1; w < 4; w++)
		for (size_t offset = 0; offset < 32; offset++)
			if (offset % widths[w])
				expect_einval(bar, widths[w], offset);
}

TEST(odd_widths)
{
	static const size_t odd[] = { 3, 5, 6, 7, 9, 10, 12, 15, 16, 24, 32, 64, 4096, 8192 };
	int bar = open_bar(O_RDWR);

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		expect_einval(bar, odd[i], 0);
}

TEST(out_of_range)
{
	int bar = open_bar(O_RDWR);
	int64_t size = get_info(bar).bar_size;

	for (int w = 0; w < 4; w++) {
		int64_t width = widths[w];

		expect_einval(bar, width, size);
		expect_einval(bar, width, size + width);
		expect_einval(bar, width, 2 * size);
		expect_einval(bar, width, -width);
		expect_einval(bar, width, INT64_MIN);
		expect_einval(bar, width, INT64_MAX - width + 1);
		/* offsets that are right once they lost their upper half */
		for (int bit = 31; bit < 63; bit++)
			if ((1LL << bit) >= size)
				expect_einval(bar, width, 1LL << bit);
		if (width > 1)
			expect_einval(bar, width, size - width / 2);
	}
}

/* The last register of each width is inside. */
TEST(up_to_the_end)
{
	int bar = open_bar(O_RDONLY);
	int64_t size = get_info(bar).bar_size;

	for (int w = 0; w < 4; w++)
		EXPECT_MSG(pread(bar, data, widths[w], size - widths[w]) == (ssize_t)widths[w],
			   "pread of %zu bytes before the end: %s", widths[w], strerror(errno));
}

TEST(nothing_is_nothing)
{
	int bar = open_bar(O_RDWR);

	EXPECT(pread(bar, data, 0, 0) <= 0);
	EXPECT(pwrite(bar, data, 0, 0) <= 0);
}

TEST(no_write_on_readonly_open)
{
	int bar = open_bar(O_RDONLY);

	EXPECT_ERRNO(pwrite(bar, data, 4, 0), EBADF);
	EXPECT_ERRNO(write(bar, data, 4), EBADF);
}

TEST(no_read_on_writeonly_open)
{
	int bar = open_bar(O_WRONLY);

	EXPECT_ERRNO(pread(bar, data, 4, 0), EBADF);
}

/* A refused read does not touch the buffer. */
TEST(buffer_untouched)
{
	int bar = open_bar(O_RDONLY);
	int64_t size = get_info(bar).bar_size;

	memset(data, 0xa5, sizeof(data));
	EXPECT_ERRNO(pread(bar, data, 4, 2), EINVAL);
	EXPECT_ERRNO(pread(bar, data, 3, 0), EINVAL);
	EXPECT_ERRNO(pread(bar, data, 8, size), EINVAL);
	for (int i = 0; i < 16; i++)
		EXPECT_MSG(data[i] == 0xa5, "byte %d of the buffer became %#x", i, data[i]);
	EXPECT(pread(bar, data, 4, 0) == 4);
	for (int i = 4; i < 16; i++)
		EXPECT_MSG(data[i] == 0xa5, "byte %d behind the register became %#x", i, data[i]);
}

TEST(bad_pointers)
{
	int bar = open_bar(O_RDWR);
	void *readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *const bad[] = {
		NULL, (void *)1, (void *)0xffff888000000000, (void *)0xffffffff81000000,
		(void *)-8, (void *)0x8000000000000000, (void *)0x7ffffffff000,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (int w = 0; w < 4; w++) {
			EXPECT_ERRNO(pread(bar, bad[i], widths[w], 0), EFAULT);
			EXPECT_ERRNO(pwrite(bar, bad[i], widths[w], 0), EFAULT);
		}
	EXPECT_ERRNO(pread(bar, readonly, 4, 0), EFAULT);
}

/* The file position is the register, as in any file. */
TEST(seek_then_read)
{
	int bar = open_bar(O_RDONLY);
	int64_t size = get_info(bar).bar_size;
	uint32_t first = bar_read32(bar, 0), value;

	EXPECT(lseek(bar, 0, SEEK_CUR) == 0);
	EXPECT(lseek(bar, 4, SEEK_SET) == 4);
	EXPECT(lseek(bar, -4, SEEK_CUR) == 0);
	EXPECT(read(bar, &value, 4) == 4 && value == first);
	EXPECT_MSG(lseek(bar, 0, SEEK_CUR) == 4, "read() of a register did not move the position");
	EXPECT(lseek(bar, 0, SEEK_END) == size);
	EXPECT_ERRNO(read(bar, &value, 4), EINVAL);
	EXPECT_ERRNO(lseek(bar, -1, SEEK_SET), EINVAL);
	EXPECT_ERRNO(lseek(bar, -size - 1, SEEK_END), EINVAL);
	EXPECT_ERRNO(lseek(bar, 0, 77), EINVAL);
	EXPECT(lseek(bar, 1, SEEK_SET) == 1);
	EXPECT_ERRNO(read(bar, &value, 4), EINVAL);
	EXPECT_MSG(lseek(bar, 0, SEEK_CUR) == 1, "a refused read() moved the position");
}

TEST(a_number_of_windows_at_once)
{
	int first = open_bar(O_RDONLY);
	uint32_t value = bar_read32(first, 0);

	for (int i = 0; i < 50; i++)
		EXPECT(bar_read32(open_bar(O_RDWR), 0) == value);
}
