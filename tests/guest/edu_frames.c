// SPDX-License-Identifier: GPL-2.0-only
/*
 * Board edu: each frame has come in several transfers, and every byte of it is
 * as it was drawn; none lies above the 28 bits that the device can address.
 *
 * edu_frames [CARD [FRAMES]]
 */
#include "card.h"
#include "frame_check.h"

TEST(format)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_format format = get_format(fd);
	struct grabber_info info = get_info(fd);

	CHECK(!strcmp(info.board, "edu"));
	EXPECT(format.sizeimage == format.bytesperline * format.height);
	EXPECT_MSG(format.sizeimage > 4096, "a frame of one transfer proves little");
	EXPECT(info.bar_size == 1 << 20 && info.bar_mmap_size == info.bar_size);
}

TEST_LIMIT(frames_are_as_drawn, 180)
{
	int fd = open_frames(O_RDONLY), frames = tap_argc > 2 ? atoi(tap_argv[2]) : 12;
	const uint8_t *map = map_frames(fd, PROT_READ);
	struct frame_check *check = frame_check_open(fd);
	uint32_t number, last = 0;
	uint64_t last_sequence = 0;

	for (int i = 0; i < frames; i++) {
		struct grabber_take take = must_take(fd);

		if (frame_check(check, map + take.offset, take.bytes, &number) && i)
			EXPECT_MSG((uint8_t)(number - last) ==
				   (uint8_t)(take.sequence - last_sequence),
				   "frame %u after %u, sequence %llu after %llu", number, last,
				   (unsigned long long)take.sequence,
				   (unsigned long long)last_sequence);
		last = number;
		last_sequence = take.sequence;
		must_give(fd, take.slot);
	}
	check_sums(get_stats(fd));
	EXPECT(get_stats(fd).dropped_error == 0);
}

/* Without an IOMMU or bounce buffers, the slots' pages themselves are low. */
TEST(pages_are_within_28_bits)
{
	int fd = open_frames(O_RDONLY);
	const uint8_t *map = map_frames(fd, PROT_READ);
	struct grabber_buffer buffer = get_buffer(fd);
	uint64_t highest = 0;

	if (access("/sys/class/iommu/dmar0", F_OK) == 0)
		tap_skip("behind an IOMMU, any page can have an address in reach");
	for (uint64_t at = 0; at < buffer.status_offset; at += PAGE) {
		uint64_t address = physical_address(map + at);

		if (address > highest)
			highest = address;
	}
	tap_note("highest page at %#llx", (unsigned long long)highest);
	EXPECT_MSG(highest < 1 << 28, "a page at %#llx is beyond the device's reach",
		   (unsigned long long)highest);
}

/* Stopped amid a frame and started again: no piece of the old one is in the new. */
TEST_LIMIT(stopped_amid_a_frame, 120)
{
	int fd = open_frames(O_RDONLY);
	const uint8_t *map = map_frames(fd, PROT_READ);
	struct frame_check *check = frame_check_open(fd);
	uint32_t number;

	for (int i = 0; i < 8; i++) {
		struct grabber_take take;

		CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
		sleep_ms(70 * (i + 1));
		CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
		while (!take_frame(fd, &take, 0)) {
			frame_check(check, map + take.offset, take.bytes, &number);
			must_give(fd, take.slot);
			if (take.frame_flags & GRABBER_FRAME_DISCONTINUITY)
				break;
		}
		CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	}
	check_sums(get_stats(fd));
}
