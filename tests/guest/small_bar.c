// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BAR smaller than a page, or one that shares its page with another: it cannot
 * be mapped, for the neighbour's registers would be mapped too; pread() and
 * pwrite() reach it, and not a byte more.
 */
#include "card.h"

TEST(mmap_is_refused)
{
	int bar = open_bar(O_RDWR);
	struct grabber_info info = get_info(bar);

	tap_note("BAR %u of %llu bytes", info.bar_index, (unsigned long long)info.bar_size);
	CHECK_MSG(info.bar_size && info.bar_size < PAGE, "this BAR is not small");
	EXPECT(info.bar_mmap_size == 0);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, bar, 0) == MAP_FAILED && errno == EINVAL);
	EXPECT(mmap(NULL, info.bar_size, PROT_READ, MAP_SHARED, bar, 0) == MAP_FAILED &&
	       errno == EINVAL);
	EXPECT(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, bar, PAGE) == MAP_FAILED &&
	       errno == EINVAL);
}

TEST(every_register_is_reached)
{
	int bar = open_bar(O_RDONLY);
	uint64_t size = get_info(bar).bar_size;
	uint8_t data[8];

	for (uint64_t offset = 0; offset < size; offset += 4)
		EXPECT_MSG(pread(bar, data, 4, offset) == 4, "pread at %#llx: %s",
			   (unsigned long long)offset, strerror(errno));
	for (uint64_t offset = size; offset < 2 * PAGE; offset += 4)
		EXPECT_MSG(pread(bar, data, 4, offset) == -1 && errno == EINVAL,
			   "pread at %#llx, behind the end: errno %d", (unsigned long long)offset,
			   errno);
}

/* The rest of the card is as good as any other's. */
TEST(frames_are_mapped)
{
	int fd = open_frames(O_RDWR);
	uint8_t *map = map_frames(fd, PROT_READ | PROT_WRITE);
	struct grabber_buffer buffer = get_buffer(fd);

	memset(map, 0x77, buffer.slots * buffer.stride);
	EXPECT(map[buffer.slots * buffer.stride - 1] == 0x77);
}
