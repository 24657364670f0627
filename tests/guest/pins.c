// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots as buffers that io_uring has registered: their pages are pinned for as long as
 * the program likes, and frames go to files, and files into frames, without a copy.
 */
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/io_uring.h>

#include "card.h"
#include "frame_check.h"

#define RECORDED 8

/* The least of io_uring: one request at a time. */
struct ring {
	int fd;
	uint32_t *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static struct ring open_ring(void)
{
	struct io_uring_params params = { 0 };
	struct ring ring;
	uint8_t *sq, *cq;

	ring.fd = syscall(SYS_io_uring_setup, 4, &params);
	CHECK_MSG(ring.fd >= 0, "io_uring_setup: %s", strerror(errno));
	sq = mmap(NULL, params.sq_off.array + params.sq_entries * 4, PROT_READ | PROT_WRITE,
		  MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(*ring.cqes),
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
	ring.sqes = mmap(NULL, params.sq_entries * sizeof(*ring.sqes), PROT_READ | PROT_WRITE,
			 MAP_SHARED, ring.fd, IORING_OFF_SQES);
	CHECK(sq != MAP_FAILED && cq != MAP_FAILED && ring.sqes != MAP_FAILED);
	ring.sq_tail = (void *)(sq + params.sq_off.tail);
	ring.sq_mask = (void *)(sq + params.sq_off.ring_mask);
	ring.sq_array = (void *)(sq + params.sq_off.array);
	ring.cq_head = (void *)(cq + params.cq_off.head);
	ring.cq_tail = (void *)(cq + params.cq_off.tail);
	ring.cq_mask = (void *)(cq + params.cq_off.ring_mask);
	ring.cqes = (void *)(cq + params.cq_off.cqes);
	return ring;
}

/* Registers all as one buffer, number 0; the errno, or 0. */
static int register_buffer(const struct ring *ring, void *at, size_t bytes)
{
	struct iovec buffer = { at, bytes };

	return syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, &buffer, 1) ?
	       errno : 0;
}

static int transfer(struct ring *ring, int opcode, int fd, const void *at, size_t bytes,
		    uint64_t offset)
{
	uint32_t tail = *ring->sq_tail, at_sq = tail & *ring->sq_mask, head = *ring->cq_head;
	int result;

	ring->sqes[at_sq] = (struct io_uring_sqe){
		.opcode = opcode,
		.fd = fd,
		.addr = (uintptr_t)at,
		.len = bytes,
		.off = offset,
		.buf_index = 0,
	};
	ring->sq_array[at_sq] = at_sq;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	CHECK(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
	CHECK(__atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) == head + 1);
	result = ring->cqes[head & *ring->cq_mask].res;
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	return result;
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

/* Pinned pages outlive their mapping, and the buffer that they were part of. */
TEST_LIMIT(pinned_beyond_the_buffer, 120)
{
	int fd = open_frames(O_RDWR), file = memfd_create("frames", 0);
	struct frame_check *check = frame_check_open(fd);
	struct grabber_buffer layout = get_buffer(fd), other = { .slots = 5 };
	uint8_t *map = map_frames(fd, PROT_READ | PROT_WRITE), *back = malloc(layout.stride);
	struct ring ring = open_ring();
	struct grabber_take take;
	uint32_t number;

	must_register(&ring, map, layout.status_offset);
	take = must_take(fd);
	must_give(fd, take.slot);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	memcpy(back, map + take.offset, take.bytes);
	munmap(map, layout.status_offset);
	CHECK(ioctl(fd, GRABBER_IOC_SET_BUFFER, &other) == 0);
	must_give(fd, must_take(fd).slot);
	CHECK(transfer(&ring, IORING_OP_WRITE_FIXED, file, map + take.offset, take.bytes, 0) ==
	      (int)take.bytes);
	memset(back, 0, take.bytes);
	CHECK(pread(file, back, take.bytes, 0) == (ssize_t)take.bytes);
	CHECK(frame_check(check, back, take.bytes, &number));
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	other = (struct grabber_buffer){ .slots = layout.slots };
	CHECK(ioctl(fd, GRABBER_IOC_SET_BUFFER, &other) == 0);
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
