// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two BARs are mapped, one of them write-combining, when the card leaves. Whoever runs
 * this takes the card away after READY and says "gone"; the mappings stay until "close".
 */
#include <signal.h>

#include "card.h"

TEST_LIMIT(bars_revoked, 200)
{
	int fd = open_bar(O_RDWR);
	struct grabber_bar args = { .bar = 2, .flags = GRABBER_BAR_WRITE_COMBINING };
	void *source = map_bar(fd, PROT_READ), *memory;
	char line[64];
	uint32_t value;

	CHECK(ioctl(fd, GRABBER_IOC_SET_BAR, &args) == 0);
	memory = mmap(NULL, args.mmap_size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(memory != MAP_FAILED);
	CHECK(probe_word(source, &value) == 0 && probe_word(memory, &value) == 0);
	CHECK(pread(fd, &value, 4, 0) == 4);
	tap_note("READY");
	CHECK(fgets(line, sizeof(line), stdin));

	EXPECT(probe_word(source, &value) == SIGBUS);
	EXPECT(probe_word(memory, &value) == SIGBUS);
	EXPECT(probe_word((char *)memory + PAGE, &value) == SIGBUS);
	EXPECT_ERRNO(pread(fd, &value, 4, 0), ENODEV);
	args = (struct grabber_bar) { .bar = 0 };
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_SET_BAR, &args), ENODEV);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_ENUM_BAR, &args), ENODEV);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
	tap_note("CHECKED");
	CHECK(fgets(line, sizeof(line), stdin));
}
