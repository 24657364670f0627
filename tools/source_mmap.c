// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames in place: the driver's slots are mapped once, and a frame is held with
 * TAKE until its bytes are in a file, then given back with GIVE. No copy.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "say.h"
#include "source.h"

static int mmap_open(struct source *source)
{
	uint64_t size = source->buffer.mmap_size;
	void *map = MAP_FAILED;

	if (size == (size_t)size)
		map = mmap(NULL, size, PROT_READ, MAP_SHARED, source->fd, 0);
	else
		errno = ENOMEM;
	if (map == MAP_FAILED) {
		if (errno == ENODEV)
			source_explain(source, ENODEV);
		else
			say("grabber%u: cannot map its %llu bytes of frame memory: %s; capture with --read instead",
			    source->card, (unsigned long long)size, strerror(errno));
		return -1;
	}
	source->map = map;
	source->hold_max = source->buffer.hold_max;
	return 0;
}

static int mmap_take(struct source *source, struct frame *frame, int64_t timeout_ns)
{
	struct grabber_take take = {
		.flags = source->newest ? GRABBER_TAKE_NEWEST : 0,
		.timeout_ns = timeout_ns,
	};

	if (ioctl(source->fd, GRABBER_IOC_TAKE, &take) < 0)
		return errno == ETIMEDOUT ? -EAGAIN : -errno;

	frame->data = source->map + take.offset;
	frame->bytes = take.bytes;
	frame->slot = take.slot;
	frame->flags = take.frame_flags;
	frame->stamped = true;
	frame->sequence = take.sequence;
	frame->timestamp_ns = take.timestamp_ns;
	frame->missed = take.missed;
	return 0;
}

static void mmap_give(struct source *source, const struct frame *frame)
{
	struct grabber_give give = { .slot = frame->slot };

	/* Once the card is gone nobody needs the slot any more. */
	if (ioctl(source->fd, GRABBER_IOC_GIVE, &give) < 0 && errno != ENODEV)
		say("grabber%u: cannot give slot %u back: %s", source->card, frame->slot,
		    strerror(errno));
}

static void mmap_close(struct source *source)
{
	munmap((void *)source->map, source->buffer.mmap_size);
}

const struct source_ops source_mmap = {
	.open = mmap_open,
	.take = mmap_take,
	.give = mmap_give,
	.close = mmap_close,
};
