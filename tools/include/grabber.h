/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames of a grabber card for C and C++ programs: a library in one header.
 *
 *	struct grabber_reader reader;
 *	struct grabber_frame frame;
 *
 *	if (grabber_open(&reader, "/dev/grabber0"))
 *		...
 *	while (!grabber_wait(&reader, 1000000000)) {
 *		while (!grabber_next(&reader, &frame)) {
 *			look_at(frame.data, frame.bytes);
 *			if (!grabber_whole(&reader, &frame))
 *				forget_it();
 *		}
 *	}
 *	grabber_close(&reader);
 *
 * Two ways to get a frame, free to mix:
 *
 * - grabber_next() makes no system call and holds nothing: the card may take the slot
 *   back while the program looks at it. So look first, then ask grabber_whole(), and
 *   only then believe what was seen.
 * - grabber_take_frame() holds the frame until grabber_give_frame(): two system calls, or one
 *   that gives back and takes, and the frame cannot change. Slots that are held are not there for new frames.
 *
 * Frames are looked at where the card put them; nothing is copied. The mapping is
 * read-only.
 *
 * Functions return 0, or an errno value with a minus sign. Times are nanoseconds. A
 * reader belongs to one thread at a time. For whatever else the driver offers, @fd of
 * the reader takes all calls of grabber(4) but read(), GRABBER_IOC_TAKE and
 * GRABBER_IOC_SEEK, which would move the reader unseen by this library.
 *
 * Needs a compiler with GCC's __atomic functions. With -std=c99 or c11 define
 * _GNU_SOURCE before the first #include; gnu99 and C++ need no such care.
 */
#ifndef GRABBER_H
#define GRABBER_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/grabber.h>

#ifndef O_CLOEXEC
#error "grabber.h: define _GNU_SOURCE before the first #include, or compile with -std=gnu99"
#endif

/**
 * struct grabber_reader - a card that is open, and how far its reader came
 * @fd: /dev/grabberN
 * @map: the frame slots and the status page, read-only
 * @buffer: their layout
 * @format: what a frame holds
 * @status: the status page: totals and flags may be read at any time
 * @entries: its entries, one for each slot
 * @order: its order of frames
 * @next: number of the frame that comes next
 * @delivered: frames that this reader got
 * @missed: frames that it did not get: overwritten before it came, or while it looked
 * @missed_lately: those since the last one that was handed out
 * @told: @next as the driver knows it
 * @told_missed: as much of @missed as the driver knows
 * @stopped: grabber_stop() was called last, not grabber_start()
 *
 * Of the frames since grabber_open(), each is either delivered or missed. Frames that
 * never came into the buffer are neither: the status page's totals have those.
 */
struct grabber_reader {
	int fd;
	const unsigned char *map;
	struct grabber_buffer buffer;
	struct grabber_format format;
	const struct grabber_status *status;
	const struct grabber_status_slot *entries;
	const __u32 *order;
	__u64 next;
	__u64 delivered;
	__u64 missed;
	__u64 missed_lately;
	__u64 told;
	__u64 told_missed;
	int stopped;
};

/**
 * struct grabber_frame - a frame in its slot
 * @data: its bytes
 * @bytes: how many
 * @slot: the slot that has it
 * @flags: GRABBER_FRAME_* bits
 * @frame: its number, lost ones not counted
 * @sequence: its number, lost ones counted
 * @timestamp_ns: CLOCK_MONOTONIC when it was known to be complete; see struct
 *	grabber_take
 * @missed: frames that this reader missed since it was handed the last one; the sum
 *	over all frames is the reader's @missed
 * @generation: of the slot, for grabber_whole()
 * @torn: grabber_whole() found it overwritten
 */
struct grabber_frame {
	const void *data;
	size_t bytes;
	__u32 slot;
	__u32 flags;
	__u64 frame;
	__u64 sequence;
	__u64 timestamp_ns;
	__u64 missed;
	__u64 generation;
	int torn;
};

/* What follows up to the next such line is not for programs. */

/*
 * Memory ordering: the driver writes an entry, releases its generation, writes the
 * order, and releases the number of frames; and it makes a generation odd before the
 * card may write that slot. So the number of frames and a generation are acquired
 * before what they stand for is read, and an acquire fence comes between the last look
 * at a frame and the second look at its generation.
 */
static inline __u64 grabber_priv_frames(const struct grabber_reader *reader)
{
	return __atomic_load_n(&reader->status->frames, __ATOMIC_ACQUIRE);
}

static inline int grabber_priv_same(const struct grabber_reader *reader,
				    const struct grabber_frame *frame)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&reader->entries[frame->slot].generation, __ATOMIC_RELAXED) ==
	       frame->generation;
}

static inline void grabber_priv_miss(struct grabber_reader *reader, __u64 frames)
{
	reader->missed += frames;
	reader->missed_lately += frames;
	reader->next += frames;
}

static inline void grabber_priv_deliver(struct grabber_reader *reader,
					struct grabber_frame *frame)
{
	frame->missed = reader->missed_lately;
	frame->torn = 0;
	reader->missed_lately = 0;
	reader->delivered++;
	reader->next++;
}

/* Is the next frame there? Then it is this reader's. */
static inline int grabber_priv_look(struct grabber_reader *reader, struct grabber_frame *frame)
{
	__u64 number = reader->next;
	__u32 slot = __atomic_load_n(&reader->order[number % reader->buffer.slots],
				     __ATOMIC_RELAXED);
	const struct grabber_status_slot *entry = &reader->entries[slot];
	__u64 generation = __atomic_load_n(&entry->generation, __ATOMIC_ACQUIRE);

	if ((generation & 1) || __atomic_load_n(&entry->frame, __ATOMIC_RELAXED) != number)
		return 0;
	frame->data = reader->map + slot * reader->buffer.stride;
	frame->bytes = __atomic_load_n(&entry->bytes, __ATOMIC_RELAXED);
	frame->slot = slot;
	frame->flags = __atomic_load_n(&entry->frame_flags, __ATOMIC_RELAXED);
	frame->frame = number;
	frame->sequence = __atomic_load_n(&entry->sequence, __ATOMIC_RELAXED);
	frame->timestamp_ns = __atomic_load_n(&entry->timestamp_ns, __ATOMIC_RELAXED);
	frame->generation = generation;
	grabber_priv_deliver(reader, frame);
	return 1;
}

/* The next frame is there no more: go on to the oldest that is. */
static inline int grabber_priv_catch_up(struct grabber_reader *reader,
					struct grabber_frame *frame)
{
	__u64 frames;

	while ((frames = grabber_priv_frames(reader)) != reader->next) {
		/* Frames that far back have lost their place in the order. */
		if (frames - reader->next > reader->buffer.slots)
			grabber_priv_miss(reader, frames - reader->buffer.slots - reader->next);
		for (; reader->next != frames; grabber_priv_miss(reader, 1))
			if (grabber_priv_look(reader, frame))
				return 0;
		/* All were overwritten since: this program had to wait for a processor. */
	}
	return -EAGAIN;
}

/* A compiler that does not know that errno is set would warn of frames that are not. */
static inline int grabber_priv_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

static inline int grabber_priv_map(struct grabber_reader *reader)
{
	struct grabber_buffer *buffer = &reader->buffer;
	void *map = MAP_FAILED, *first;
	int err = 0;

	/* As long as a page of it is mapped, nobody can change the buffer's layout. */
	first = mmap(NULL, 1, PROT_READ, MAP_SHARED, reader->fd, 0);
	if (first == MAP_FAILED)
		return grabber_priv_error();
	if (ioctl(reader->fd, GRABBER_IOC_GET_BUFFER, buffer))
		err = grabber_priv_error();
	else if (buffer->mmap_size > (size_t)-1)
		err = -EOVERFLOW;
	else
		map = mmap(NULL, (size_t)buffer->mmap_size, PROT_READ, MAP_SHARED, reader->fd, 0);
	if (!err && map == MAP_FAILED)
		err = grabber_priv_error();
	munmap(first, 1);
	if (!err)
		reader->map = (const unsigned char *)map;
	return err;
}

static inline int grabber_priv_set_up(struct grabber_reader *reader)
{
	const unsigned char *page;
	struct grabber_stats stats;
	struct grabber_info info;
	int err;

	if (ioctl(reader->fd, GRABBER_IOC_INFO, &info))
		return grabber_priv_error();
	if (info.abi_version != GRABBER_ABI_VERSION)
		return -EPROTO;
	err = grabber_priv_map(reader);
	if (err)
		return err;
	if (ioctl(reader->fd, GRABBER_IOC_GET_FORMAT, &reader->format) ||
	    ioctl(reader->fd, GRABBER_IOC_GET_STATS, &stats))
		return grabber_priv_error();
	page = reader->map + reader->buffer.status_offset;
	reader->status = (const struct grabber_status *)(const void *)page;
	reader->entries = (const struct grabber_status_slot *)(const void *)
			  (page + reader->status->entries_offset);
	reader->order = (const __u32 *)(const void *)(page + reader->status->order_offset);
	reader->next = stats.reader_next;
	reader->told = reader->next;
	return 0;
}

/* From here on: for programs. */

/**
 * grabber_close() - let go of a card
 * @reader: the reader; also after a failed grabber_open(), and once more does no harm
 *
 * Frames of this reader must not be looked at any more: they are not mapped now.
 */
static inline void grabber_close(struct grabber_reader *reader)
{
	if (reader->map)
		munmap((void *)reader->map, (size_t)reader->buffer.mmap_size);
	if (reader->fd >= 0)
		close(reader->fd);
	reader->map = NULL;
	reader->fd = -1;
}

/**
 * grabber_open() - open a card for its frames
 * @reader: filled in
 * @path: the card's node, such as "/dev/grabber0"
 *
 * All is mapped here, once, and no page fault comes later. The first frame will be
 * the first that comes after this. Capture starts with the first wait or take, or by
 * grabber_start().
 *
 * Return: 0, or as open(): -ENOENT: no such card; -EACCES: no permission; -EMFILE ...;
 * -ENOTTY: not the frame node of a card; -EPROTO: the driver is of another ABI version
 * than this header: compile with the driver's; -ENODEV: the card has just gone;
 * -ENOMEM, and -EOVERFLOW: more than the address space has room for.
 */
static inline int grabber_open(struct grabber_reader *reader, const char *path)
{
	int err;

	memset(reader, 0, sizeof(*reader));
	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0)
		return grabber_priv_error();
	err = grabber_priv_set_up(reader);
	if (err)
		grabber_close(reader);
	return err;
}

/**
 * grabber_open_card() - open a card by its number
 * @reader: filled in
 * @card: the N of /dev/grabberN
 *
 * Return: as grabber_open().
 */
static inline int grabber_open_card(struct grabber_reader *reader, unsigned int card)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/grabber%u", card);
	return grabber_open(reader, path);
}

/**
 * grabber_start() - start capture, if no reader has done so yet
 * @reader: the reader
 *
 * Only those need it who never wait. It goes on until grabber_stop() or
 * grabber_close(), and as long as other readers want it.
 *
 * Return: 0; -EIO: the card could not be started; -ENODEV: it is gone; -EINTR.
 */
static inline int grabber_start(struct grabber_reader *reader)
{
	if (ioctl(reader->fd, GRABBER_IOC_START))
		return grabber_priv_error();
	__atomic_store_n(&reader->stopped, 0, __ATOMIC_RELAXED);
	return 0;
}

/**
 * grabber_stop() - this reader wants no more frames for now
 * @reader: the reader
 *
 * Frames that are in the buffer can still be had; then waiting gives -ECANCELED, until
 * grabber_start(). Threads that wait for this reader wake up. It cannot fail, not even
 * when the card is gone.
 */
static inline void grabber_stop(struct grabber_reader *reader)
{
	__atomic_store_n(&reader->stopped, 1, __ATOMIC_RELAXED);
	ioctl(reader->fd, GRABBER_IOC_STOP);
}

/**
 * grabber_next() - the next frame, with no system call
 * @reader: the reader
 * @frame: filled in when there is one; else undefined
 *
 * It is the oldest one that is there and that this reader did not have. Ask
 * grabber_whole() after looking at it, before using what was seen, @frame too.
 *
 * Return: 0; -EAGAIN: no frame now; -ENODEV: no frame, nor will there be: the card is
 * gone.
 */
static inline int grabber_next(struct grabber_reader *reader, struct grabber_frame *frame)
{
	if (grabber_priv_frames(reader) == reader->next) {
		if (!(__atomic_load_n(&reader->status->flags, __ATOMIC_ACQUIRE) &
		      GRABBER_STATUS_GONE))
			return -EAGAIN;
		/* The last one may have come before the card went. */
		if (grabber_priv_frames(reader) == reader->next)
			return -ENODEV;
	}
	return grabber_priv_look(reader, frame) ? 0 : grabber_priv_catch_up(reader, frame);
}

/**
 * grabber_newest() - the newest frame, with no system call
 * @reader: the reader
 * @frame: filled in when there is one; else undefined
 *
 * Older ones that this reader did not have count as missed.
 *
 * Return: as grabber_next().
 */
static inline int grabber_newest(struct grabber_reader *reader, struct grabber_frame *frame)
{
	__u64 frames = grabber_priv_frames(reader);

	if (frames != reader->next)
		grabber_priv_miss(reader, frames - 1 - reader->next);
	return grabber_next(reader, frame);
}

/**
 * grabber_whole() - was that one whole frame, or did the card write into it meanwhile?
 * @reader: the reader
 * @frame: frame of grabber_next(), grabber_newest() or grabber_take_frame()
 *
 * No system call. The first time that a frame turns out to be overwritten, it is no
 * longer counted as delivered, but as missed.
 *
 * Return: 1: all that was seen of it until now is of this frame; 0: forget it.
 */
static inline int grabber_whole(struct grabber_reader *reader, struct grabber_frame *frame)
{
	if (grabber_priv_same(reader, frame))
		return 1;
	if (!frame->torn) {
		frame->torn = 1;
		reader->delivered--;
		reader->missed++;
		reader->missed_lately++;
	}
	return 0;
}

/**
 * grabber_tell() - tell the driver how far this reader came
 * @reader: the reader
 *
 * It does not see what is read by grabber_next(). grabber_wait() and
 * grabber_take_frame() do this by themselves; a program that polls @fd of the reader
 * on its own calls it before, and one that wants its counts in GRABBER_IOC_GET_STATS.
 * No system call where there is no news.
 *
 * Return: 0, or as ioctl().
 */
static inline int grabber_tell(struct grabber_reader *reader)
{
	struct grabber_seek seek;

	if (reader->told == reader->next)
		return 0;
	seek.frame = reader->next;
	seek.missed = reader->missed - reader->told_missed;
	/* One that was found torn only after it was told of counts with the next ones. */
	if (seek.missed > seek.frame - reader->told)
		seek.missed = seek.frame - reader->told;
	if (ioctl(reader->fd, GRABBER_IOC_SEEK, &seek))
		return grabber_priv_error();
	reader->told = seek.frame;
	reader->told_missed += seek.missed;
	return 0;
}

/**
 * grabber_wait() - sleep until there is a frame for grabber_next()
 * @reader: the reader
 * @timeout_ns: longest wait, counted in whole milliseconds, rounded up; 0: none;
 *	negative: no limit
 *
 * Starts capture. No system call when a frame is there already.
 *
 * Return: 0; -ETIMEDOUT; -EINTR: a signal; -ENODEV: the card is gone, and this reader
 * has had all frames; -ECANCELED: grabber_stop() was called, and it has had all frames;
 * -EIO: the card could not be started.
 */
static inline int grabber_wait(struct grabber_reader *reader, long long timeout_ns)
{
	struct pollfd ready;
	int err, ms = -1;

	if (grabber_priv_frames(reader) != reader->next)
		return 0;
	err = grabber_tell(reader);
	if (err)
		return err;
	if (timeout_ns >= 0)
		ms = timeout_ns / 1000000 < INT_MAX ?
		     (int)(timeout_ns / 1000000 + (timeout_ns % 1000000 != 0)) : INT_MAX;
	ready.fd = reader->fd;
	ready.events = POLLIN;
	ready.revents = 0;
	err = poll(&ready, 1, ms);
	if (err < 0)
		return grabber_priv_error();
	if (!err)
		return -ETIMEDOUT;
	if (ready.revents & POLLIN)
		return 0;
	if (ready.revents & POLLHUP)
		return -ENODEV;
	return __atomic_load_n(&reader->stopped, __ATOMIC_RELAXED) ? -ECANCELED : -EIO;
}

/**
 * grabber_take_frame() - the next frame, held
 * @reader: the reader
 * @frame: filled in
 * @flags: GRABBER_TAKE_NEWEST: the newest there is; GRABBER_TAKE_GIVE: @frame is one
 *	that is held, to be given back first, whether another one comes or not
 * @timeout_ns: longest wait; 0: none; negative: no limit
 *
 * The card leaves the frame alone until grabber_give_frame() or grabber_close(). Starts
 * capture. One system call, and one more after frames of grabber_next().
 *
 * Return: 0; -EAGAIN: no frame, and no wait was asked for; -ETIMEDOUT; -EINTR;
 * -EBUSY: this reader holds as many slots as it may, or all readers together did until
 * the timeout; -ECANCELED: grabber_stop() was called, and all frames from before were
 * taken; -ENODEV: the card is gone; -EIO: it could not be started; -EINVAL: @frame is
 * not held.
 */
static inline int grabber_take_frame(struct grabber_reader *reader,
				     struct grabber_frame *frame, __u32 flags,
				     long long timeout_ns)
{
	struct grabber_take take;
	int err = grabber_tell(reader);

	if (err)
		return err;
	memset(&take, 0, sizeof(take));
	take.flags = flags;
	if (flags & GRABBER_TAKE_GIVE)
		take.slot = frame->slot;
	take.timeout_ns = timeout_ns;
	if (ioctl(reader->fd, GRABBER_IOC_TAKE, &take))
		return grabber_priv_error();
	frame->slot = take.slot;
	frame->flags = take.frame_flags;
	frame->sequence = take.sequence;
	frame->timestamp_ns = take.timestamp_ns;
	frame->bytes = take.bytes;
	frame->data = reader->map + take.offset;
	/* A slot that is held has the same entry until it is given back. */
	frame->frame = __atomic_load_n(&reader->entries[take.slot].frame, __ATOMIC_RELAXED);
	frame->generation = __atomic_load_n(&reader->entries[take.slot].generation,
					    __ATOMIC_RELAXED);
	reader->told_missed += frame->frame - reader->next;
	grabber_priv_miss(reader, frame->frame - reader->next);
	grabber_priv_deliver(reader, frame);
	reader->told = reader->next;
	return 0;
}

/**
 * grabber_give_frame() - give a frame of grabber_take_frame() back
 * @reader: the reader
 * @frame: the frame; from now on it may change, and grabber_whole() tells
 *
 * Return: 0; -EINVAL: it is not held.
 */
static inline int grabber_give_frame(struct grabber_reader *reader,
				     const struct grabber_frame *frame)
{
	struct grabber_give give;

	give.slot = frame->slot;
	give.flags = 0;
	return ioctl(reader->fd, GRABBER_IOC_GIVE, &give) ? grabber_priv_error() : 0;
}

#endif /* GRABBER_H */
