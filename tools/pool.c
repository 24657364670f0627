// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "pool.h"
#include "say.h"

#define NICER	10	/* the writing threads are, than the one that takes frames */

static void tell_damage(const struct frame *frame)
{
	if (frame->flags & GRABBER_FRAME_TRUNCATED)
		say("frame %llu was longer than its slot: only its first %zu bytes came",
		    (unsigned long long)frame->index, frame->bytes);
	if (frame->flags & GRABBER_FRAME_SHORT)
		say("frame %llu is short: only %zu bytes came; in a picture the rest is black",
		    (unsigned long long)frame->index, frame->bytes);
}

static void *work(void *arg)
{
	struct pool *pool = arg;
	struct frame frame;
	bool skip, ok;

	/* On Linux this is for the calling thread alone: the one that takes frames
	 * must get a processor at once, however busy these are.
	 */
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICER);

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (!pool->count && !pool->closing)
			pthread_cond_wait(&pool->work, &pool->lock);
		if (!pool->count)
			break;
		frame = pool->queue[pool->first];
		pool->first = (pool->first + 1) % pool->size;
		pool->count--;
		skip = pool->failed;
		pthread_mutex_unlock(&pool->lock);

		if (!skip)
			tell_damage(&frame);
		ok = !skip && !writer_put(pool->writer, &frame);
		pool->source->ops->give(pool->source, &frame);

		pthread_mutex_lock(&pool->lock);
		pool->held--;
		pool->given_count++;
		if (ok)
			pool->written++;
		else
			pool->failed = true;
		pthread_cond_signal(&pool->given);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Signals are for the thread that takes frames: it must wake from its ioctl. */
static int start_thread(struct pool *pool)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&pool->threads[pool->nthreads], NULL, work, pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		pool->nthreads++;
	return error;
}

int pool_start(struct pool *pool, struct source *source, struct writer *writer)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int wanted = cpus > 1 && !writer_is_stream(writer) ? cpus : 1;
	pthread_condattr_t attr;
	int error = ENOMEM;

	/* More threads than frames would never have work. */
	if (wanted > source->hold_max)
		wanted = source->hold_max;
	*pool = (struct pool){
		.source = source,
		.writer = writer,
		.size = source->hold_max,
		.queue = calloc(source->hold_max, sizeof(*pool->queue)),
		.threads = calloc(wanted, sizeof(*pool->threads)),
	};
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->given, &attr);
	pthread_condattr_destroy(&attr);

	if (pool->queue && pool->threads) {
		do {
			error = start_thread(pool);
		} while (!error && pool->nthreads < wanted);
	}
	/* Fewer threads than wished are only slower. */
	if (pool->nthreads)
		return 0;
	say("cannot start a thread: %s", strerror(error));
	pool_finish(pool);
	return -1;
}

void pool_put(struct pool *pool, const struct frame *frame)
{
	pthread_mutex_lock(&pool->lock);
	pool->queue[(pool->first + pool->count) % pool->size] = *frame;
	pool->count++;
	pool->held++;
	pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
}

uint64_t pool_given_count(struct pool *pool)
{
	uint64_t count;

	pthread_mutex_lock(&pool->lock);
	count = pool->given_count;
	pthread_mutex_unlock(&pool->lock);
	return count;
}

bool pool_wait_given(struct pool *pool, uint64_t seen, unsigned int ms)
{
	struct timespec until;
	bool any;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}

	pthread_mutex_lock(&pool->lock);
	any = pool->held || pool->given_count > seen;
	while (any && pool->given_count == seen && !error)
		error = pthread_cond_timedwait(&pool->given, &pool->lock, &until);
	pthread_mutex_unlock(&pool->lock);
	return any;
}

bool pool_failed(struct pool *pool)
{
	bool failed;

	pthread_mutex_lock(&pool->lock);
	failed = pool->failed;
	pthread_mutex_unlock(&pool->lock);
	return failed;
}

uint64_t pool_finish(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->closing = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);

	while (pool->nthreads)
		pthread_join(pool->threads[--pool->nthreads], NULL);
	free(pool->threads);
	free(pool->queue);
	pthread_cond_destroy(&pool->given);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	return pool->written;
}
