// SPDX-License-Identifier: GPL-2.0-only
/*
 * One channel of several whose engine does not stop, while the others capture: it keeps
 * its memory, and is not started, until they have stopped and the card can be reset.
 *
 * stuck_channel CARD, and a line of input when the others have stopped
 */
#define FAULT_REGISTERS_ONLY
#include "../card/faults.h"

#include "frame_check.h"
#include "set_buffer.h"

TEST_LIMIT(keeps_its_memory, 600)
{
	int fd = open_frames(O_RDWR), bar = open_bar(O_RDWR);
	off_t faults = get_info(fd).channel * FAULT_SPACING;
	char line[16];

	CHECK(get_info(fd).channels > 1);
	good_frames(fd, 3);
	bar_write32(bar, faults + FAULT_STUCK, FAULT_STUCK_BUSY);
	sleep_ms(200);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	for (int i = 0; i < 3; i++) {
		refused(fd, (struct grabber_buffer){ .slots = get_buffer(fd).slots + 1 }, EBUSY);
		EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_START), EIO);
		sleep_ms(500);
	}
	printf("# WAITING\n");
	fflush(stdout);
	CHECK(fgets(line, sizeof(line), stdin));
	must_set(fd, get_buffer(fd).slots + 1, 0, NULL);
	good_frames(fd, 5);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	check_sums(get_stats(fd));
}
