/* SPDX-License-Identifier: GPL-2.0-only */
/* Where frames come from: the driver's own memory, or read(). */
#ifndef GRABBERCTL_SOURCE_H
#define GRABBERCTL_SOURCE_H

#include <pthread.h>

#include <linux/grabber.h>

#include "frame.h"

struct source;

/**
 * struct source_ops - a way to get at frames
 * @open: make ready; returns 0, or -1 after saying what went wrong
 * @take: get the next frame. Returns 0; -EAGAIN when none came within
 *	@timeout_ns; -EBUSY when no further frame can be held before one is given
 *	back; -EINTR after a signal; or what went wrong
 * @give: give a frame back, from any thread
 * @close: undo @open
 */
struct source_ops {
	int (*open)(struct source *source);
	int (*take)(struct source *source, struct frame *frame, int64_t timeout_ns);
	void (*give)(struct source *source, const struct frame *frame);
	void (*close)(struct source *source);
};

extern const struct source_ops source_mmap;
extern const struct source_ops source_read;

/**
 * struct source - an open card that gives frames
 * @ops: how
 * @fd: its frame node
 * @card: its number
 * @format: what a frame holds
 * @buffer: layout of the slots
 * @newest: skip to the newest frame each time (mmap only)
 * @hold_max: frames that can be held at a time
 * @map: all slots (mmap only)
 * @lock: guards @spare (read only)
 * @spare: buffers without a frame (read only), @spares of them
 */
struct source {
	const struct source_ops *ops;
	int fd;
	unsigned int card;
	struct grabber_format format;
	struct grabber_buffer buffer;
	bool newest;
	unsigned int hold_max;
	const uint8_t *map;
	pthread_mutex_t lock;
	uint8_t **spare;
	unsigned int spares;
};

/* Open @card by @ops. Returns 0, or -1 after saying what went wrong. */
int source_open(struct source *source, const struct source_ops *ops, unsigned int card);
void source_close(struct source *source);

/* Say why source->ops->take() failed with -@error. */
void source_explain(const struct source *source, int error);

#endif
