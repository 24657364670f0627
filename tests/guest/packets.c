// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets of any length as frames (framing=packet), from the virtual card's counting
 * pattern: their bytes follow each other, and anybody can tell their lengths.
 *
 * packets CARD FROM TO COUNT
 */
#include "../card/sample_source.h"
#include "samples.h"
#include "set_buffer.h"

#define PAINT	0xee

/* The packet that comes next, and where it begins in the stream. */
struct next {
	uint64_t number, position;
};

static uint32_t from, to;

static uint32_t length(uint64_t number)
{
	return sample_packet_bytes(from, to, number);
}

static void arguments(void)
{
	CHECK(tap_argc > 4);
	from = atoi(tap_argv[2]);
	to = atoi(tap_argv[3]);
}

static int open_packets(void)
{
	int fd = open_frames(O_RDWR);
	struct grabber_info info = get_info(fd);

	arguments();
	CHECK(info.framing == GRABBER_FRAMING_PACKET);
	EXPECT(info.flags & GRABBER_INFO_LOSS_UNSEEN);
	return fd;
}

/* Which packet is it that has these bytes? The stream may have gone on while capture was
 * off, but tells at each byte where it is, and a frame begins with a packet.
 */
static struct next find(const uint8_t *frame, uint32_t bytes, struct next next)
{
	for (int i = 0; i < 2000000; i++) {
		if (length(next.number) >= bytes && samples_are(frame, bytes, next.position))
			return next;
		next.position += length(next.number++);
	}
	CHECK_MSG(false, "no packet begins with these bytes");
	return next;
}

/* A frame that says which it is: not the first, for that may be the rest of a packet that
 * was cut off before, nor one of a few bytes, which many packets may have.
 */
static struct grabber_take take_first(int fd)
{
	struct grabber_take take = must_take(fd);

	do {
		must_give(fd, take.slot);
		take = must_take(fd);
	} while (take.bytes < 8);
	return take;
}

static void pass(struct next *next)
{
	next->position += length(next->number++);
}

static void check_frame(const uint8_t *frame, struct grabber_take take, struct next next,
			uint32_t slot_size)
{
	uint32_t whole = length(next.number);
	bool cut = take.frame_flags & GRABBER_FRAME_TRUNCATED;

	CHECK_MSG(take.bytes == (whole < slot_size ? whole : slot_size),
		  "packet %llu of %u bytes came as %u", (unsigned long long)next.number, whole,
		  take.bytes);
	CHECK_MSG(cut == (whole > slot_size), "packet %llu of %u bytes: flags %#x",
		  (unsigned long long)next.number, whole, take.frame_flags);
	CHECK(!(take.frame_flags & GRABBER_FRAME_SHORT));
	CHECK_MSG(samples_are(frame, take.bytes, next.position),
		  "packet %llu has other bytes", (unsigned long long)next.number);
}

static void read_packets(uint32_t slots, uint32_t slot_size, int count)
{
	struct grabber_buffer layout;
	int fd = open_packets();
	struct next next = { 0 };
	uint64_t sequence = 0;
	uint32_t kept;
	uint8_t *map;
	int cut = 0;

	must_set(fd, slots, slot_size, &layout);
	/* Up to the next 64 bytes within the slot's last page the card may write. */
	kept = (layout.slot_size + 63) / 64 * 64;
	map = map_frames(fd, PROT_READ | PROT_WRITE);
	memset(map, PAINT, layout.status_offset);
	for (int i = 0; i < count; i++) {
		struct grabber_take take = i ? must_take(fd) : take_first(fd);
		const uint8_t *frame = map + take.offset;

		if (!i) {
			next = find(frame, take.bytes, next);
		} else {
			/* Of those that the reader missed each was a packet, too. */
			for (; sequence < take.sequence; sequence++)
				pass(&next);
		}
		check_frame(frame, take, next, layout.slot_size);
		cut += !!(take.frame_flags & GRABBER_FRAME_TRUNCATED);
		for (uint32_t at = kept; at < layout.stride; at++)
			CHECK_MSG(frame[at] == PAINT, "byte %u is behind the slot", at);
		sequence = take.sequence;
		must_give(fd, take.slot);
	}
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	tap_note("%d packets of %u to %u bytes in slots of %u, %d cut off; %llu stalls", count,
		 from, to, layout.slot_size, cut, (unsigned long long)get_stats(fd).stalls);
	check_sums(get_stats(fd));
}

TEST_LIMIT(any_length, 900)
{
	arguments();
	read_packets(16, to < PAGE ? PAGE : to, atoi(tap_argv[4]));
}

TEST_LIMIT(longer_than_the_slot, 900)
{
	arguments();
	if (to < 8192)
		tap_skip("packets are no longer than a slot can be small");
	read_packets(16, to / 2, atoi(tap_argv[4]) / 4);
}

/* With its end behind the next one's begin it takes two slots. */
TEST_LIMIT(slot_of_odd_size, 900)
{
	arguments();
	if (to < 8192)
		tap_skip("packets are no longer than a slot can be small");
	read_packets(16, to / 3 * 2 - 33, atoi(tap_argv[4]) / 4);
}

TEST_LIMIT(stop_and_start, 300)
{
	int fd = open_packets();
	struct next next = { 0 };
	struct grabber_buffer layout;
	const uint8_t *map;

	must_set(fd, 16, to < PAGE ? PAGE : to, &layout);
	map = map_frames(fd, PROT_READ);
	for (int i = 0; i < 8; i++) {
		struct grabber_take take;
		bool first = true;
		int err;

		CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
		take = i ? must_take(fd) : take_first(fd);
		CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
		do {
			const uint8_t *frame = map + take.offset;

			EXPECT(!!(take.frame_flags & GRABBER_FRAME_DISCONTINUITY) == (first && i));
			/* No packet is cut off here, and the stream waits while nobody takes it. */
			if (first && !i)
				next = find(frame, take.bytes, next);
			/* Those that this reader was too slow for were packets, too. */
			for (; take.missed && (i || !first); take.missed--)
				pass(&next);
			first = false;
			check_frame(frame, take, next, layout.slot_size);
			pass(&next);
			must_give(fd, take.slot);
			err = take_frame(fd, &take, 0);
		} while (!err);
		CHECK(err == ECANCELED);
	}
	check_sums(get_stats(fd));
}

TEST(slot_in_one_piece)
{
	int fd = open_packets();
	uint32_t most = get_info(fd).slot_size_max;

	tap_note("slots of up to %u bytes", most);
	EXPECT(most == 4 << 20 || most == 64 << 20);
	/* More than a block of pages has, where that is possible. */
	must_set(fd, 3, most < 16 << 20 ? most : 16 << 20, NULL);
	refused(fd, (struct grabber_buffer){ .slot_size = (64 << 20) + 1 }, EINVAL);
	must_set(fd, 8, 65536, NULL);
}
