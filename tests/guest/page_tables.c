// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps frames, one of them as a dma-buf, and registers, touches each, says where they are, and
 * computes until it is killed: so that whoever looks at the processor meets its page tables.
 */
#include <sched.h>

#include "card.h"

TEST_LIMIT(page_tables, 120)
{
	int frames = open_frames(O_RDWR), bar = open_bar(O_RDWR);
	volatile uint8_t *frame = map_frames(frames, PROT_READ | PROT_WRITE);
	volatile uint32_t *registers = map_bar(bar, PROT_READ | PROT_WRITE);
	struct grabber_export export = { .slot = must_take(frames).slot };
	volatile uint8_t *shared;
	cpu_set_t last;

	CHECK(ioctl(frames, GRABBER_IOC_EXPORT, &export) == 0);
	shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, export.fd, 0);
	CHECK(shared != MAP_FAILED);
	(void)frame[0];
	(void)shared[0];
	(void)registers[0];
	CPU_ZERO(&last);
	CPU_SET(1, &last);
	CHECK(sched_setaffinity(0, sizeof(last), &last) == 0);
	tap_note("frames %lx", (unsigned long)frame);
	tap_note("dma-buf %lx", (unsigned long)shared);
	tap_note("registers %lx", (unsigned long)registers);
	tap_note("READY");
	for (;;)
		continue;
}
