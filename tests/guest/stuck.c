// SPDX-License-Identifier: GPL-2.0-only
/*
 * An engine that does not stop when it is told to. The virtual card's goes on at its
 * old descriptors once it may write to memory again; the test that runs this looks at
 * the card's count of what it wrote so.
 *
 * stuck [CARD]
 */
#define FAULT_REGISTERS_ONLY
#include "../card/faults.h"

#include "card.h"
#include "frame_check.h"
#include "set_buffer.h"

#define MASTER	0x4	/* of the command register */

static bool may_write(int bar)
{
	char path[128];
	uint16_t command;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", get_info(bar).bus);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0 && pread(fd, &command, sizeof(command), 4) == sizeof(command));
	close(fd);
	return command & MASTER;
}

/* Stops a capture whose engine does not take part in it. */
static void stop_in_vain(int fd, int bar, uint32_t how)
{
	int64_t start;

	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	EXPECT(may_write(bar));
	good_frames(fd, 3);
	bar_write32(bar, FAULT_STUCK, how);
	sleep_ms(200);
	start = now_ns();
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	EXPECT_MSG(now_ns() - start < 5 * NS_PER_S, "STOP took %lld ms",
		   (long long)((now_ns() - start) / NS_PER_MS));
	EXPECT_MSG(!may_write(bar), "the card may write to memory after STOP");
}

TEST(way_is_closed_while_capture_is_off)
{
	int fd = open_frames(O_RDWR), bar = open_bar(O_RDWR);

	EXPECT(!may_write(bar));
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	EXPECT(may_write(bar));
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	EXPECT(!may_write(bar));
}

TEST(reset_before_start)
{
	int fd = open_frames(O_RDWR), bar = open_bar(O_RDWR);

	stop_in_vain(fd, bar, FAULT_STUCK_BUSY);
	good_frames(fd, 8);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	check_sums(get_stats(fd));
}

TEST(reset_before_memory_goes_back)
{
	int fd = open_frames(O_RDWR), bar = open_bar(O_RDWR);

	stop_in_vain(fd, bar, FAULT_STUCK_BUSY);
	must_set(fd, get_buffer(fd).slots + 1, 0, NULL);
	EXPECT(!may_write(bar));
	good_frames(fd, 8);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
}

/* Nothing helps: then it may not write again, and its memory is not given away. */
TEST_LIMIT(no_reset_helps, 120)
{
	int fd = open_frames(O_RDWR), bar = open_bar(O_RDWR);
	int64_t end = now_ns() + 20 * NS_PER_S;

	stop_in_vain(fd, bar, FAULT_STUCK_EVER);
	refused(fd, (struct grabber_buffer){ .slots = get_buffer(fd).slots + 1 }, EIO);
	for (int i = 0; i < 4; i++) {
		EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_START), EIO);
		EXPECT(!may_write(bar));
		sleep_ms(700);
	}
	/* From here on a reset helps. */
	bar_write32(bar, FAULT_STUCK, FAULT_STUCK_BUSY);
	while (ioctl(fd, GRABBER_IOC_START) < 0) {
		CHECK(errno == EIO && now_ns() < end);
		sleep_ms(300);
	}
	good_frames(fd, 8);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	check_sums(get_stats(fd));
}
