/* SPDX-License-Identifier: GPL-2.0-only */
/* The least of io_uring: one request at a time. */
#ifndef GUEST_URING_H
#define GUEST_URING_H

#include <sys/syscall.h>

#include <linux/io_uring.h>

#include "card.h"

struct ring {
	int fd;
	uint32_t *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static inline struct ring open_ring(void)
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

/* Returns what the request came to. */
static inline int transfer(struct ring *ring, int opcode, int fd, const void *at,
			   size_t bytes, uint64_t offset)
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

#endif /* GUEST_URING_H */
