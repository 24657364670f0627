// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots as buffers that io_uring has registered: their pages are pinned for as long as
 * the program likes, and frames go to files, and files into frames, without a copy.
 */
#include <sys/uio.h>

#include "card.h"
#include "frame_check.h"
#include "uring.h"

#define RECORDED 8

/* Registers all as one buffer, number 0; the errno, or 0. */
static int register_buffer(const struct ring *ring, void *at, size_t bytes)
{
	struct iovec buffer = { at, bytes };

	return syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, &buffer, 1) ?
	       errno : 0;
}

/* Kernels before 6.5 register no memory that a file stands behind, whose ever it is. */
static void must_register(const struct ring *ring, void *at, size_t bytes)
{
	int err = register_buffer(ring, at, bytes);

	if (err == EOPNOTSUPP)
		tap_skip("this kernel's io_uring registers memory of no file");
	CHECK_MSG(!err, "io_uring does not register the slots: %s", strerror(err));
}

TEST_LIMIT(io_uring_registered_buffer, 180)
{
	int fd = open_frames(O_RDWR), file = memfd_create("frames", 0);
	struct frame_check *check = frame_check_open(fd);
	struct grabber_buffer layout = get_buffer(fd);
	uint8_t *map = map_frames(fd, PROT_READ | PROT_WRITE), *back = malloc(layout.stride);
	struct ring ring = open_ring();
	struct grabber_take take;
	uint32_t number;

	must_register(&ring, map, layout.status_offset);
	for (int i = 0; i < RECORDED; i++) {
		take = must_take(fd);
		CHECK(transfer(&ring, IORING_OP_WRITE_FIXED, file, map + take.offset, take.bytes,
			       0) == (int)take.bytes);
		CHECK(pread(file, back, take.bytes, 0) == (ssize_t)take.bytes);
		CHECK(frame_check(check, back, take.bytes, &number));
		must_give(fd, take.slot);
	}
	/* And the other way, into a frame that is held. */
	take = must_take(fd);
	memset(back, 0x5a, take.bytes);
	CHECK(pwrite(file, back, take.bytes, 0) == (ssize_t)take.bytes);
	CHECK(transfer(&ring, IORING_OP_READ_FIXED, file, map + take.offset, take.bytes, 0) ==
	      (int)take.bytes);
	EXPECT(!memcmp(map + take.offset, back, take.bytes));
	must_give(fd, take.slot);
}

/* Pinned pages outlive their mapping, and the buffer that they were part of: also when the
 * next one has as many slots.
 */
static void pinned_beyond(uint32_t slots)
{
	int fd = open_frames(O_RDWR), file = memfd_create("frames", 0);
	struct frame_check *check = frame_check_open(fd);
	struct grabber_buffer layout = get_buffer(fd), other = { .slots = slots };
	uint8_t *map = map_frames(fd, PROT_READ | PROT_WRITE), *back = malloc(layout.stride);
	struct ring ring = open_ring();
	struct grabber_take take;
	uint32_t before, number;

	must_register(&ring, map, layout.status_offset);
	take = must_take(fd);
	must_give(fd, take.slot);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	CHECK(frame_check(check, map + take.offset, take.bytes, &before));
	munmap(map, layout.status_offset);
	CHECK(ioctl(fd, GRABBER_IOC_SET_BUFFER, &other) == 0);
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	/* Each slot has another frame now. */
	for (uint32_t i = 0; i <= layout.slots; i++)
		must_give(fd, must_take(fd).slot);
	CHECK(transfer(&ring, IORING_OP_WRITE_FIXED, file, map + take.offset, take.bytes, 0) ==
	      (int)take.bytes);
	memset(back, 0, take.bytes);
	CHECK(pread(file, back, take.bytes, 0) == (ssize_t)take.bytes);
	CHECK(frame_check(check, back, take.bytes, &number));
	EXPECT_MSG(number == before, "frame %u where frame %u was pinned", number, before);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	other = (struct grabber_buffer){ .slots = layout.slots };
	CHECK(ioctl(fd, GRABBER_IOC_SET_BUFFER, &other) == 0);
}

TEST_LIMIT(pinned_beyond_the_buffer, 120)
{
	pinned_beyond(5);
}

TEST_LIMIT(pinned_beyond_a_buffer_of_the_same_size, 120)
{
	pinned_beyond(get_buffer(open_frames(O_RDWR)).slots);
}

/* Who registers means to write, so the status page is out of reach. */
TEST(status_page_cannot_be_registered)
{
	int fd = open_frames(O_RDWR), err;
	struct grabber_buffer layout = get_buffer(fd);
	uint8_t *map = map_frames(fd, PROT_READ);
	struct ring ring = open_ring();

	err = register_buffer(&ring, map + layout.status_offset, layout.status_size);
	EXPECT_MSG(err == EFAULT || err == EOPNOTSUPP, "the status page: %s", strerror(err));
	err = register_buffer(&ring, map, layout.mmap_size);
	EXPECT_MSG(err == EFAULT || err == EOPNOTSUPP, "all of the mapping: %s", strerror(err));
}
