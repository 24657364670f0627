/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that write frames, so that the one that takes them never waits for an
 * encoder while the driver would still let it hold another frame.
 */
#ifndef GRABBERCTL_POOL_H
#define GRABBERCTL_POOL_H

#include <pthread.h>

#include "frame.h"
#include "source.h"
#include "writer.h"

/**
 * struct pool - a queue of frames and the threads that empty it
 * @source: where frames are given back
 * @writer: what is done with them
 * @lock: guards all below
 * @work: a frame was queued, or @closing set
 * @given: a frame was given back
 * @queue: ring of @size frames, @count of them waiting from @first on
 * @held: frames queued or being written
 * @given_count: frames given back so far
 * @written: frames written so far
 * @closing: no more frames come
 * @failed: one could not be written; the rest is given back unwritten
 * @threads: @nthreads of them
 */
struct pool {
	struct source *source;
	struct writer *writer;
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t given;
	struct frame *queue;
	unsigned int size;
	unsigned int first;
	unsigned int count;
	unsigned int held;
	uint64_t given_count;
	uint64_t written;
	bool closing;
	bool failed;
	pthread_t *threads;
	unsigned int nthreads;
};

/* Start the threads. Returns 0, or -1 after saying what went wrong. */
int pool_start(struct pool *pool, struct source *source, struct writer *writer);

/* Hand over a frame; never waits. */
void pool_put(struct pool *pool, const struct frame *frame);

/* Frames given back so far: to be asked for before a take that may be refused. */
uint64_t pool_given_count(struct pool *pool);

/*
 * Wait until more than @seen frames are given back, but not longer than @ms.
 * Returns false at once if none is held that could be.
 */
bool pool_wait_given(struct pool *pool, uint64_t seen, unsigned int ms);

bool pool_failed(struct pool *pool);

/* Wait until all frames are written and end the threads. Returns how many were. */
uint64_t pool_finish(struct pool *pool);

#endif
