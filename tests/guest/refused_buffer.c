// SPDX-License-Identifier: GPL-2.0-only
/*
 * SET_BUFFER that is refused, on a card that only a program knows how to stop. Whether it
 * was reset is for others to see.
 */
#include "card.h"
#include "set_buffer.h"

TEST(refused_buffer)
{
	int fd = open_frames(O_RDWR);

	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	map_frames(fd, PROT_READ);
	is_busy(fd);
}
