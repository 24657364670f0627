// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BAR that is plain memory: what is written in one width, and on one way, is
 * read in every other. The host looks at the same bytes.
 */
#include "card.h"

TEST(widths_agree)
{
	static const uint64_t pattern = 0x8877665544332211;
	int bar = open_bar(O_RDWR);
	int64_t size = get_info(bar).bar_size;
	const int64_t places[] = { 0, 0x1000, size / 2, size - 8 };

	for (int i = 0; i < 4; i++) {
		off_t at = places[i];
		uint64_t q = 0;
		uint32_t l;
		uint16_t w;
		uint8_t b;

		CHECK(pwrite(bar, &pattern, 8, at) == 8);
		CHECK(pread(bar, &q, 8, at) == 8 && q == pattern);
		for (int byte = 0; byte < 8; byte++) {
			CHECK(pread(bar, &b, 1, at + byte) == 1);
			EXPECT(b == (uint8_t)(pattern >> 8 * byte));
		}
		CHECK(pread(bar, &w, 2, at + 2) == 2 && w == 0x4433);
		CHECK(pread(bar, &l, 4, at + 4) == 4 && l == 0x88776655);
		b = 0xee;
		CHECK(pwrite(bar, &b, 1, at + 3) == 1);
		w = 0xabcd;
		CHECK(pwrite(bar, &w, 2, at + 6) == 2);
		l = 0x01020304;
		CHECK(pread(bar, &q, 8, at) == 8);
		EXPECT_MSG(q == 0xabcd6655ee332211, "%#llx", (unsigned long long)q);
		CHECK(pwrite(bar, &l, 4, at) == 4);
		CHECK(pread(bar, &q, 8, at) == 8);
		EXPECT_MSG(q == 0xabcd665501020304, "%#llx", (unsigned long long)q);
	}
}

TEST(the_mapping_is_the_same)
{
	int bar = open_bar(O_RDWR);
	struct grabber_info info = get_info(bar);
	volatile uint32_t *map = map_bar(bar, PROT_READ | PROT_WRITE);

	EXPECT(info.flags & GRABBER_INFO_BAR_PREFETCHABLE);
	EXPECT(info.bar_mmap_size == info.bar_size);
	for (uint64_t at = 0; at < info.bar_size; at += PAGE) {
		uint32_t value = at ^ 0x13579bdf;

		map[at / 4] = value;
		EXPECT(bar_read32(bar, at) == value);
		bar_write32(bar, at + 4, ~value);
		EXPECT(map[at / 4 + 1] == ~value);
	}
}
