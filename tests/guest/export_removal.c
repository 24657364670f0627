// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card leaves while frames of it are out as dma-bufs: they stay what they were.
 *
 * It says READY when they are out. Then whoever runs it takes the card away and
 * says "gone" on its standard input. It says CHECKED when all is checked, and only
 * one dma-buf is open, and ends after "close".
 */
#include <linux/dma-buf.h>

#include "card.h"

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

static void wait_for_line(void)
{
	char line[64];

	CHECK(fgets(line, sizeof(line), stdin));
}

static int must_export(int fd, uint32_t slot)
{
	struct grabber_export args = { .slot = slot, .flags = O_RDWR };

	CHECK_MSG(!ioctl(fd, GRABBER_IOC_EXPORT, &args), "EXPORT: %s", strerror(errno));
	return args.fd;
}

TEST_LIMIT(frames_outlive_the_card, 300)
{
	int fd = open_frames(O_RDWR), given, held, late;
	struct dma_buf_sync sync = { DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	struct grabber_buffer layout = get_buffer(fd);
	struct grabber_take first = must_take(fd), second;
	uint8_t *before, *map, *again;

	given = must_export(fd, first.slot);
	must_give(fd, first.slot);
	second = must_take(fd);
	held = must_export(fd, second.slot);
	map = mmap(NULL, layout.stride, PROT_READ | PROT_WRITE, MAP_SHARED, given, 0);
	before = malloc(layout.stride);
	CHECK(map != MAP_FAILED && before);
	memcpy(before, map, layout.stride);
	CHECK(ioctl(held, DMA_BUF_IOCTL_SYNC, &sync) == 0);
	say("READY");
	wait_for_line();

	EXPECT_MSG(!memcmp(before, map, layout.stride), "the frame changed with the removal");
	/* Mapped only now; and what is held can still be exported. */
	again = mmap(NULL, layout.stride, PROT_READ, MAP_SHARED, given, 0);
	CHECK(again != MAP_FAILED);
	EXPECT(!memcmp(before, again, layout.stride));
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	EXPECT(ioctl(held, DMA_BUF_IOCTL_SYNC, &sync) == 0);
	late = must_export(fd, second.slot);
	EXPECT(get_stats(fd).held == 2);
	close(held);
	close(late);
	must_give(fd, second.slot);
	EXPECT(get_stats(fd).held == 1);
	close(fd);
	munmap(map, layout.stride);
	EXPECT(!memcmp(before, again, layout.stride));
	munmap(again, layout.stride);
	say("CHECKED");
	wait_for_line();
	map = mmap(NULL, layout.stride, PROT_READ, MAP_SHARED, given, 0);
	CHECK(map != MAP_FAILED);
	EXPECT_MSG(!memcmp(before, map, layout.stride), "the frame is not what it was");
}
