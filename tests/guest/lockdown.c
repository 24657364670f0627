// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel lockdown that comes while the register node is open: what was possible is no
 * longer, but for registers in pages that were looked at before. Frames go on.
 */
#include <signal.h>

#include "card.h"

TEST(lockdown)
{
	int bar = open_bar(O_RDWR), frames = open_frames(O_RDONLY), fd;
	size_t size = get_info(bar).bar_mmap_size;
	struct grabber_slot_address address = { 0 };
	struct grabber_bar choice = { .bar = 0 };
	struct grabber_irqs irqs = { 0 };
	uint8_t *map = map_bar(bar, PROT_READ | PROT_WRITE);
	uint32_t value;

	CHECK(size > PAGE);
	CHECK(pread(bar, &value, 4, 0) == 4 && pwrite(bar, &value, 4, 0) == 4);
	CHECK(probe_word(map, &value) == 0);

	fd = open("/sys/kernel/security/lockdown", O_WRONLY);
	CHECK_MSG(fd >= 0 && write(fd, "integrity", 9) == 9, "cannot lock the kernel down: %s",
		  strerror(errno));

	EXPECT_ERRNO(pread(bar, &value, 4, 0), EPERM);
	EXPECT_ERRNO(pwrite(bar, &value, 4, 0), EPERM);
	EXPECT_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, bar, 0), EPERM);
	EXPECT_ERRNO(ioctl(bar, GRABBER_IOC_SLOT_ADDRESS, &address), EPERM);
	EXPECT(unmask_irqs(bar, 1) == EPERM);
	EXPECT_ERRNO(ioctl(bar, GRABBER_IOC_GET_IRQS, &irqs), EPERM);
	EXPECT_ERRNO(ioctl(bar, GRABBER_IOC_SET_BAR, &choice), EPERM);
	EXPECT_ERRNO(open(node_path(card_number(), true), O_RDONLY), EPERM);
	EXPECT(probe_word(map + PAGE, &value) == SIGBUS);
	/* Nobody tells a driver of a lockdown, so this much stays. */
	EXPECT(probe_word(map, &value) == 0);
	get_info(bar);
	EXPECT(ioctl(bar, GRABBER_IOC_ENUM_BAR, &choice) == 0);
	must_give(frames, must_take(frames).slot);
}
