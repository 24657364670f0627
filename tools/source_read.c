// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames by read(): a copy each, into buffers of our own, so that frames still
 * being encoded do not hold up the next ones.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "say.h"
#include "source.h"

#define NS_PER_MS	1000000

static void read_close(struct source *source)
{
	while (source->spares)
		free(source->spare[--source->spares]);
	free(source->spare);
	source->spare = NULL;
}

static int read_open(struct source *source)
{
	unsigned int wanted = source->buffer.hold_max;

	source->spare = calloc(wanted, sizeof(*source->spare));
	if (!source->spare)
		wanted = 0;
	while (source->spares < wanted) {
		uint8_t *buffer = malloc(source->buffer.slot_size);

		if (!buffer)
			break;
		source->spare[source->spares++] = buffer;
	}
	if (!source->spares) {
		say("out of memory");
		read_close(source);
		return -1;
	}
	source->hold_max = source->spares;
	return 0;
}

static int wait_readable(struct source *source, int64_t timeout_ns)
{
	struct pollfd pollfd = { .fd = source->fd, .events = POLLIN };
	int ready = poll(&pollfd, 1, timeout_ns / NS_PER_MS);

	if (ready < 0)
		return -errno;
	if (!ready)
		return -EAGAIN;
	/* Whatever else it is: read() gives what came before, or says what is wrong. */
	return 0;
}

static int read_frame(struct source *source, struct frame *frame, uint8_t *buffer)
{
	/* No read() goes beyond the end of a frame, so this is one frame, all of it. */
	ssize_t bytes = read(source->fd, buffer, source->buffer.slot_size);

	if (bytes < 0)
		return -errno;
	if (!bytes)
		return -ENODEV;
	frame->data = buffer;
	frame->bytes = bytes;
	if (frame->bytes < source->format.sizeimage)
		frame->flags = GRABBER_FRAME_SHORT;
	return 0;
}

static int read_take(struct source *source, struct frame *frame, int64_t timeout_ns)
{
	uint8_t *buffer = NULL;
	int error;

	error = wait_readable(source, timeout_ns);
	if (error)
		return error;

	pthread_mutex_lock(&source->lock);
	if (source->spares)
		buffer = source->spare[--source->spares];
	pthread_mutex_unlock(&source->lock);
	if (!buffer)
		return -EBUSY;

	error = read_frame(source, frame, buffer);
	if (error)
		source->ops->give(source, &(struct frame){ .data = buffer });
	return error;
}

static void read_give(struct source *source, const struct frame *frame)
{
	pthread_mutex_lock(&source->lock);
	source->spare[source->spares++] = (uint8_t *)frame->data;
	pthread_mutex_unlock(&source->lock);
}

const struct source_ops source_read = {
	.open = read_open,
	.take = read_take,
	.give = read_give,
	.close = read_close,
};
