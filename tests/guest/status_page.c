// SPDX-License-Identifier: GPL-2.0-only
/*
 * The status page as the library grabber.h reads it, beside the calls that must say
 * the same: its layout, its totals, SEEK, and poll() after SEEK.
 *
 * status_page [CARD]
 */
#include <grabber.h>

#include "card.h"

/* What came into the buffer from now on is this reader's. */
static struct grabber_reader open_reader(void)
{
	struct grabber_reader reader;
	int err = grabber_open(&reader, node_path(card_number(), false));

	CHECK_MSG(!err, "grabber_open(): %s", strerror(-err));
	return reader;
}

static struct grabber_frame must_next(struct grabber_reader *reader)
{
	struct grabber_frame frame;
	int err = grabber_wait(reader, 20 * NS_PER_S);

	CHECK_MSG(!err, "grabber_wait(): %s", strerror(-err));
	err = grabber_next(reader, &frame);
	CHECK_MSG(!err, "grabber_next(): %s", strerror(-err));
	return frame;
}

/* Some frames for the buffer, and then no more. */
static void capture(int frames)
{
	int fd = open_frames(O_RDONLY);

	while (frames--)
		must_give(fd, must_take(fd).slot);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	close(fd);
}

static int seek(int fd, uint64_t frame, uint64_t missed)
{
	struct grabber_seek seek = { .frame = frame, .missed = missed };

	return ioctl(fd, GRABBER_IOC_SEEK, &seek);
}

static uint64_t frames_now(const struct grabber_reader *reader)
{
	return __atomic_load_n(&reader->status->frames, __ATOMIC_ACQUIRE);
}

TEST(layout)
{
	struct grabber_reader reader = open_reader();
	struct grabber_buffer *buffer = &reader.buffer;
	const struct grabber_status *status = reader.status;

	EXPECT(buffer->status_offset == buffer->slots * buffer->stride);
	EXPECT(buffer->status_offset + buffer->status_size == buffer->mmap_size);
	EXPECT(buffer->status_size % PAGE == 0);
	EXPECT(status->abi_version == GRABBER_ABI_VERSION && status->slots == buffer->slots);
	EXPECT(status->entries_offset >= sizeof(*status));
	EXPECT(status->entries_offset + buffer->slots * sizeof(*reader.entries) <=
	       status->order_offset);
	EXPECT(status->order_offset + buffer->slots * sizeof(*reader.order) <=
	       buffer->status_size);
	EXPECT(status->entries_offset % 8 == 0 && status->order_offset % 4 == 0);
	EXPECT(!(status->flags & GRABBER_STATUS_GONE));
	grabber_close(&reader);
	grabber_close(&reader);
}

/* What is behind the last entry, to the end of the page, is nothing of the kernel's. */
TEST(nothing_else_in_the_page)
{
	struct grabber_reader reader = open_reader();
	const uint8_t *page = (const uint8_t *)reader.status;
	size_t used = reader.status->order_offset + reader.buffer.slots * sizeof(*reader.order);

	for (size_t i = used; i < reader.buffer.status_size; i++)
		CHECK_MSG(!page[i], "byte %zu of the status page is %#x", i, page[i]);
	for (uint32_t i = 0; i < reader.buffer.slots; i++)
		for (int word = 0; word < 3; word++)
			EXPECT(!reader.entries[i].reserved[word]);
	for (size_t i = 0; i < sizeof(reader.status->reserved) / 4; i++)
		EXPECT(!reader.status->reserved[i]);
}

TEST(open_of_what_is_no_card)
{
	struct grabber_reader reader;

	EXPECT(grabber_open(&reader, "/dev/null") == -ENOTTY);
	EXPECT(grabber_open(&reader, "/dev/grabber-none") == -ENOENT);
	EXPECT(grabber_open_card(&reader, 4000000000U) == -ENOENT);
	EXPECT(reader.fd == -1);
	/* the register window is not the frame node */
	EXPECT(grabber_open(&reader, node_path(card_number(), true)) < 0);
	EXPECT(grabber_open_card(&reader, card_number()) == 0);
	EXPECT(fcntl(reader.fd, F_GETFD) & FD_CLOEXEC);
}

/* The page, TAKE and the library's counts tell one story, whichever way is asked. */
TEST(ways_are_free_to_mix)
{
	struct grabber_reader reader = open_reader();
	uint64_t first = reader.next, last = 0, missed = 0;
	struct grabber_frame frame;
	struct grabber_stats stats;

	CHECK(!grabber_start(&reader));
	for (int i = 0; i < 12; i++) {
		if (i % 3 == 1) {
			int err = grabber_take_frame(&reader, &frame, 0, 20 * NS_PER_S);

			CHECK_MSG(!err, "grabber_take_frame(): %s", strerror(-err));
			EXPECT(grabber_whole(&reader, &frame));
			CHECK(!grabber_give_frame(&reader, &frame));
			EXPECT(grabber_give_frame(&reader, &frame) == -EINVAL);
		} else {
			frame = must_next(&reader);
		}
		missed += frame.missed;
		EXPECT(frame.data == reader.map + frame.slot * reader.buffer.stride);
		EXPECT(frame.bytes > 0 && frame.bytes <= reader.buffer.slot_size);
		EXPECT(frame.timestamp_ns <= (uint64_t)now_ns());
		EXPECT(frame.frame >= first + i && (!i || frame.sequence > last));
		last = frame.sequence;
		EXPECT(reader.delivered + reader.missed == reader.next - first);
	}
	EXPECT(missed == reader.missed && reader.delivered == 12);
	/* The last TAKE and the waits since have told the driver most of it. */
	while (grabber_wait(&reader, 0) != -ETIMEDOUT)
		CHECK(!grabber_next(&reader, &frame));
	stats = get_stats(reader.fd);
	EXPECT(stats.reader_delivered + stats.reader_missed == reader.next - first);
	EXPECT(stats.reader_missed == reader.missed);
}

TEST(newest)
{
	struct grabber_reader reader = open_reader();
	uint64_t first = reader.next;
	struct grabber_frame frame;

	CHECK(!grabber_start(&reader));
	while (frames_now(&reader) < first + 5)
		sleep_ms(5);
	CHECK(!grabber_newest(&reader, &frame));
	EXPECT(frame.frame >= first + 4 && frame.missed == frame.frame - first);
	EXPECT(reader.missed == frame.missed && reader.delivered == 1);
}

/* With capture off, all sums stand still and agree. */
TEST(totals_after_stop)
{
	struct grabber_reader reader = open_reader();
	const struct grabber_status *status = reader.status;
	struct grabber_stats stats;

	capture(4);
	stats = get_stats(reader.fd);
	EXPECT(!(status->flags & GRABBER_STATUS_STREAMING));
	check_sums(stats);
	EXPECT(status->begun == stats.begun && status->begun > 0);
	EXPECT(status->delivered == stats.delivered && status->delivered >= 4);
	EXPECT(status->truncated == stats.truncated);
	EXPECT(status->dropped_no_slot == stats.dropped_no_slot);
	EXPECT(status->dropped_error == stats.dropped_error);
	EXPECT(status->dropped_stop == stats.dropped_stop);
	EXPECT(status->lost_by_card == stats.lost_by_card);
	EXPECT(status->frames == stats.delivered + stats.truncated);
	CHECK(!grabber_start(&reader));
	EXPECT(status->flags & GRABBER_STATUS_STREAMING);
}

/* Each READY slot's entry is what TAKE says of it. */
TEST(entries_are_what_take_says)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_reader reader = open_reader();

	for (int i = 0; i < 3; i++) {
		struct grabber_take take = must_take(fd);
		const struct grabber_status_slot *entry = &reader.entries[take.slot];

		EXPECT(entry->generation % 2 == 0);
		EXPECT(entry->sequence == take.sequence && entry->bytes == take.bytes);
		EXPECT(entry->timestamp_ns == take.timestamp_ns);
		EXPECT(entry->frame_flags == take.frame_flags);
		EXPECT(reader.order[entry->frame % reader.buffer.slots] == take.slot);
		must_give(fd, take.slot);
	}
}

TEST(seek_errors)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_reader reader = open_reader();
	uint64_t first = reader.next, frames;
	struct grabber_stats stats;

	capture(4);
	frames = frames_now(&reader);
	CHECK(frames >= first + 4);

	EXPECT_ERRNO(seek(fd, frames + 1, 0), EINVAL);
	EXPECT_ERRNO(seek(fd, ~0ULL, 0), EINVAL);
	EXPECT_ERRNO(seek(fd, frames, frames - first + 1), EINVAL);
	EXPECT_ERRNO(seek(fd, frames, ~0ULL), EINVAL);
	EXPECT_ERRNO(seek(fd, first, 1), EINVAL);
	if (first)
		EXPECT_ERRNO(seek(fd, first - 1, 0), EINVAL);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_SEEK, NULL), EFAULT);
	stats = get_stats(fd);
	EXPECT_MSG(!stats.reader_delivered && !stats.reader_missed, "a refused SEEK counted");

	EXPECT(seek(fd, first, 0) == 0);
	EXPECT(seek(fd, first + 1, 1) == 0);
	EXPECT_ERRNO(seek(fd, first, 0), EINVAL);
	EXPECT(seek(fd, frames, 1) == 0);
	EXPECT(seek(fd, frames, 0) == 0);
	stats = get_stats(fd);
	EXPECT(stats.reader_missed == 2 && stats.reader_delivered == frames - first - 2);
}

TEST(seek_on_the_bar_node)
{
	EXPECT_ERRNO(seek(open_bar(O_RDWR), 0, 0), ENOTTY);
}

/* Without SEEK the driver thinks that nothing was read; with it poll() really waits. */
TEST(poll_after_seek)
{
	struct grabber_reader reader = open_reader();
	uint64_t frames;
	int events;

	must_next(&reader);
	EXPECT(poll_for(reader.fd, POLLIN, 0) == POLLIN);
	do {
		frames = frames_now(&reader);
		CHECK(seek(reader.fd, frames, 0) == 0);
		events = poll_for(reader.fd, POLLIN, 0);
	} while (frames != frames_now(&reader));
	EXPECT_MSG(events == 0, "poll() gives %#x though all frames were passed by SEEK", events);
	EXPECT(poll_for(reader.fd, POLLIN, 20000) == POLLIN);
	EXPECT(frames_now(&reader) > frames);
}

/*
 * A look that does not wait takes no lock, nor does grabber_next(): what the one tells of
 * the other must find, also in the very moment in which a frame is done.
 */
TEST(looks_after_seek)
{
	struct grabber_reader reader = open_reader();
	struct grabber_frame frame;

	CHECK(!grabber_start(&reader));
	for (int i = 0; i < 5; i++) {
		int err;

		while (!poll_for(reader.fd, POLLIN, 0))
			;
		err = grabber_next(&reader, &frame);
		CHECK_MSG(!err, "grabber_next(): %s", strerror(-err));
		while (!grabber_next(&reader, &frame))
			;
		CHECK(!grabber_tell(&reader));
	}
}

/* TAKE goes on where SEEK said, and nothing was missed. */
TEST(take_after_seek)
{
	struct grabber_reader reader = open_reader();
	struct grabber_take take;
	uint64_t frames;

	must_next(&reader);
	frames = frames_now(&reader);
	CHECK(seek(reader.fd, frames, 0) == 0);
	take = must_take(reader.fd);
	EXPECT(take.missed == reader.entries[take.slot].frame - frames);
	must_give(reader.fd, take.slot);
}

TEST(wait_without_capture_or_frame)
{
	struct grabber_reader reader = open_reader();
	struct grabber_frame frame;

	/* none asked for any frame yet */
	EXPECT(grabber_next(&reader, &frame) == -EAGAIN);
	EXPECT(grabber_wait(&reader, 1) == -ETIMEDOUT || reader.status->frames > reader.next);
	EXPECT(grabber_wait(&reader, 20 * NS_PER_S) == 0);
	EXPECT(grabber_next(&reader, &frame) == 0);
}
