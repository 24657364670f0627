// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSI-X table is the kernel's, also where a program drives the card. Here the window
 * is the BAR of the DMA core, which has it.
 */
#include <signal.h>

#include "card.h"

#define TABLE	0x8000
#define BYTES	(32 * 16)

TEST(table_is_out_of_reach)
{
	int bar = open_bar(O_RDWR);
	volatile uint8_t *map = map_bar(bar, PROT_READ | PROT_WRITE);
	uint32_t value = 0;
	uint8_t byte;

	for (int at = TABLE; at < TABLE + BYTES; at += 4) {
		EXPECT_ERRNO(pread(bar, &value, 4, at), EACCES);
		EXPECT_ERRNO(pwrite(bar, &value, 4, at), EACCES);
	}
	EXPECT_ERRNO(pread(bar, &byte, 1, TABLE + BYTES - 1), EACCES);
	EXPECT(pread(bar, &value, 4, TABLE - 4) == 4);
	EXPECT(pread(bar, &value, 4, TABLE + BYTES) == 4);
	EXPECT(probe_byte(map + TABLE, &byte) == SIGBUS);
	EXPECT(probe_byte(map + TABLE + PAGE - 1, &byte) == SIGBUS);
	EXPECT(probe_byte(map + TABLE - 1, &byte) == 0);
	EXPECT(probe_byte(map + TABLE + PAGE, &byte) == 0);
}
