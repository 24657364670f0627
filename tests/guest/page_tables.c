// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps frames, one of them as a dma-buf, and registers, and BAR 2 write-combining, touches
 * each, says where they are, and computes until it is killed: so that whoever looks at the
 * processor meets its page tables.
 */

#include "card.h"

TEST_LIMIT(page_tables, 120)
{
	int frames = open_frames(O_RDWR), bar = open_bar(O_RDWR);
	volatile uint8_t *frame = map_frames(frames, PROT_READ | PROT_WRITE);
	volatile uint32_t *registers = map_bar(bar, PROT_READ | PROT_WRITE);
	struct grabber_export export = { .slot = must_take(frames).slot };
	struct grabber_bar choice = { .bar = 2, .flags = GRABBER_BAR_WRITE_COMBINING };
	volatile uint8_t *shared, *combining;

	CHECK(ioctl(frames, GRABBER_IOC_EXPORT, &export) == 0);
	shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, export.fd, 0);
	CHECK(shared != MAP_FAILED);
	(void)frame[0];
	(void)shared[0];
	(void)registers[0];
	CHECK(ioctl(bar, GRABBER_IOC_SET_BAR, &choice) == 0);
	/* By a mapping of the kernel's, which is uncached and must not stay. */
	(void)bar_read32(bar, choice.size - PAGE);
	combining = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, bar, choice.size - PAGE);
	CHECK(combining != MAP_FAILED);
	combining[0] = 1;
	run_on(1);
	tap_note("frames %lx", (unsigned long)frame);
	tap_note("dma-buf %lx", (unsigned long)shared);
	tap_note("registers %lx", (unsigned long)registers);
	tap_note("combining %lx", (unsigned long)combining);
	tap_note("READY");
	for (;;)
		continue;
}
