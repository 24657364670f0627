// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stream of samples in slots that are filled to the last byte (framing=slot), from the
 * virtual card's counting pattern.
 *
 * samples CARD MEGABYTES SLOTS SLOT_SIZE [ALL]: with ALL the reader may miss no frame
 */
#include "samples.h"
#include "set_buffer.h"

static uint64_t argument(int which)
{
	CHECK_MSG(tap_argc > which, "say more");
	return strtoull(tap_argv[which], NULL, 0);
}

static int open_samples(struct grabber_buffer *layout)
{
	int fd = open_frames(O_RDWR);
	struct grabber_info info = get_info(fd);

	CHECK(info.framing == GRABBER_FRAMING_SLOT);
	EXPECT(info.flags & GRABBER_INFO_LOSS_UNSEEN);
	EXPECT(info.slot_size_max == 64 << 20);
	must_set(fd, argument(3), argument(4), layout);
	EXPECT(get_format(fd).sizeimage == layout->slot_size);
	return fd;
}

TEST_LIMIT(every_byte_in_order, 3000)
{
	struct grabber_buffer layout;
	int fd = open_samples(&layout);
	const uint8_t *map = map_frames(fd, PROT_READ);
	uint64_t wanted = argument(2) << 20, done = 0, missed = 0, first = 0, begin = 0;
	bool all = tap_argc > 5;
	struct grabber_stats stats;
	int64_t start = now_ns();

	while (done < wanted) {
		struct grabber_take take = must_take(fd);
		const uint8_t *frame = map + take.offset;
		uint64_t at;

		CHECK_MSG(take.bytes == layout.slot_size, "frame %llu has %u bytes",
			  (unsigned long long)take.sequence, take.bytes);
		if (!done) {
			begin = samples_position(frame);
			first = take.sequence;
		} else {
			CHECK_MSG(!(take.frame_flags & GRABBER_FRAME_DISCONTINUITY),
				  "frame %llu comes after a break",
				  (unsigned long long)take.sequence);
		}
		at = begin + (take.sequence - first) * layout.slot_size;
		CHECK_MSG(samples_are(frame, take.bytes, at),
			  "frame %llu is not the bytes from %llu on: it begins with %llu",
			  (unsigned long long)take.sequence, (unsigned long long)at,
			  (unsigned long long)samples_position(frame));
		if (done)
			missed += take.missed;
		done += take.bytes;
		must_give(fd, take.slot);
	}
	stats = get_stats(fd);
	check_sums(stats);
	EXPECT(!stats.dropped_error && !stats.lost_by_card && !stats.dropped_no_slot);
	if (all)
		EXPECT_MSG(!missed, "%llu frames were missed", (unsigned long long)missed);
	tap_note("%llu MiB through %u slots of %u bytes, %lld MB/s; the reader missed %llu frames; %llu stalls",
		 (unsigned long long)(done >> 20), layout.slots, layout.slot_size,
		 (long long)(done * 1000 / (now_ns() - start + 1)),
		 (unsigned long long)missed, (unsigned long long)stats.stalls);
}

/* What came before a stop is there, and what comes after the next start follows it: this
 * stream waits while nobody takes it.
 */
TEST_LIMIT(stop_and_start, 300)
{
	struct grabber_buffer layout;
	int fd = open_samples(&layout);
	const uint8_t *map = map_frames(fd, PROT_READ);
	uint64_t next = 0;

	for (int i = 0; i < 8; i++) {
		struct grabber_take take;
		bool first = true;
		uint32_t bytes = 0, flags = 0;
		int err;

		CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
		take = must_take(fd);
		CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
		do {
			const uint8_t *frame = map + take.offset;

			if (!next && first)
				next = samples_position(frame);
			EXPECT(!!(take.frame_flags & GRABBER_FRAME_DISCONTINUITY) == first);
			/* What this reader was too slow for were slots full. */
			if (i || !first)
				next += take.missed * layout.slot_size;
			CHECK_MSG(samples_are(frame, take.bytes, next),
				  "%u bytes are not those from %llu on: they begin with %llu",
				  take.bytes, (unsigned long long)next,
				  (unsigned long long)samples_position(frame));
			EXPECT(!!(take.frame_flags & GRABBER_FRAME_SHORT) ==
			       (take.bytes < layout.slot_size));
			next += take.bytes;
			bytes = take.bytes;
			flags = take.frame_flags;
			first = false;
			must_give(fd, take.slot);
			err = take_frame(fd, &take, 0);
		} while (!err);
		CHECK(err == ECANCELED);
		tap_note("stop %d: %u bytes in the last frame, flags %#x", i, bytes, flags);
	}
	check_sums(get_stats(fd));
}

TEST(slots_that_cannot_be)
{
	struct grabber_buffer layout;
	int fd = open_samples(&layout);

	refused(fd, (struct grabber_buffer){ .slot_size = 4095 }, EINVAL);
	refused(fd, (struct grabber_buffer){ .slot_size = 2048 }, EINVAL);
	refused(fd, (struct grabber_buffer){ .slot_size = 4100 }, EINVAL);
	must_set(fd, 4, 4096, &layout);
	EXPECT(get_format(fd).sizeimage == 4096);
	must_set(fd, 4, 4096 + 64, &layout);
	EXPECT(get_format(fd).sizeimage == 4096 + 64);
}

TEST(formats)
{
	struct grabber_format format = { .width = 32, .height = 16, .bytesperline = 64,
					 .sizeimage = 1 };
	struct grabber_buffer layout;
	int fd = open_samples(&layout);

	must_set(fd, 4, 8192, &layout);
	CHECK(ioctl(fd, GRABBER_IOC_SET_FORMAT, &format) == 0);
	EXPECT(format.sizeimage == 8192 && get_format(fd).width == 32);
	format.height = 128;
	CHECK(ioctl(fd, GRABBER_IOC_SET_FORMAT, &format) == 0);
	refused(fd, (struct grabber_buffer){ .slot_size = 4096 }, EINVAL);
	format.height = 129;
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_SET_FORMAT, &format), EINVAL);
	memset(&format, 0, sizeof(format));
	CHECK(ioctl(fd, GRABBER_IOC_SET_FORMAT, &format) == 0);
}
