// SPDX-License-Identifier: GPL-2.0-only
/*
 * SET_BUFFER against all that others do meanwhile: opening, mapping, taking, reading,
 * exporting, while somebody else may bind and unbind the card. Each call may be
 * refused; but a frame that is there is whole and in its place.
 *
 * buffer_race [CARD [SECONDS]]
 */
#include <sys/wait.h>

#include "card.h"
#include "frame_check.h"

#define HANDS 6

static struct shared {
	volatile uint64_t changed, busy, taken, read, mapped, exported;
} *shared;

/* Made while the card is there for certain. */
static struct frame_check *check;

static unsigned int random_state;

static unsigned int any(unsigned int below)
{
	random_state = random_state * 1103515245 + 12345;
	return (random_state >> 16) % below;
}

static bool is_layout(const struct grabber_buffer *layout)
{
	return layout->slots >= 2 && layout->stride >= layout->slot_size &&
	       layout->status_offset == layout->slots * layout->stride &&
	       layout->mmap_size == layout->status_offset + layout->status_size;
}

static void change(int fd)
{
	struct grabber_format format;
	struct grabber_buffer args = { .slots = 2 + any(12) };

	if (ioctl(fd, GRABBER_IOC_GET_FORMAT, &format))
		return;
	args.slot_size = format.sizeimage + any(3) * any(100000);
	if (ioctl(fd, GRABBER_IOC_SET_BUFFER, &args)) {
		CHECK_MSG(errno == EBUSY || errno == ENODEV, "SET_BUFFER: %s", strerror(errno));
		shared->busy += errno == EBUSY;
		sleep_ms(any(20));
		return;
	}
	CHECK_MSG(is_layout(&args), "SET_BUFFER gave a layout that does not fit itself");
	shared->changed++;
}

/* Mapped or not: in a held slot lies a whole frame. */
static void take_one(int fd)
{
	struct grabber_buffer layout;
	struct grabber_take take;
	struct grabber_export args = { .flags = O_CLOEXEC };
	uint32_t number;
	uint8_t *map;

	if (take_frame(fd, &take, 300 * NS_PER_MS))
		return;
	/* From here on nothing changes. */
	shared->taken++;
	if (ioctl(fd, GRABBER_IOC_GET_BUFFER, &layout))
		return;
	CHECK_MSG(take.slot < layout.slots && take.offset == take.slot * layout.stride,
		  "slot %u is not at %llu", take.slot, (unsigned long long)take.offset);
	map = mmap(NULL, take.bytes, PROT_READ, MAP_SHARED, fd, take.offset);
	if (map != MAP_FAILED) {
		shared->mapped++;
		CHECK(frame_check(check, map, take.bytes, &number));
		munmap(map, take.bytes);
	}
	args.slot = take.slot;
	if (!ioctl(fd, GRABBER_IOC_EXPORT, &args)) {
		shared->exported++;
		if (any(2))
			must_give(fd, take.slot);
		sleep_ms(any(20));
		close(args.fd);
	}
}

static void read_one(int fd)
{
	struct grabber_format format;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint8_t *frame;

	if (ioctl(fd, GRABBER_IOC_GET_FORMAT, &format) || poll(&poll_fd, 1, 300) != 1)
		return;
	frame = malloc(format.sizeimage);
	/* Some leave in the middle of a frame. */
	if (read(fd, frame, any(2) ? 100 : format.sizeimage) > 0)
		shared->read++;
	free(frame);
}

static void map_all(int fd)
{
	struct grabber_buffer layout;
	uint8_t *map, value;

	if (ioctl(fd, GRABBER_IOC_GET_BUFFER, &layout))
		return;
	CHECK_MSG(is_layout(&layout), "GET_BUFFER gave a layout that does not fit itself");
	map = mmap(NULL, layout.mmap_size, PROT_READ, MAP_SHARED, fd, 0);
	/* There may be other slots by now, and so another size. */
	if (map == MAP_FAILED)
		return;
	/* Once mapped, the layout stays. A smaller mapping than there is has no status page. */
	for (size_t at = 0; at < layout.mmap_size; at += PAGE * (1 + any(30)))
		CHECK_MSG(probe_byte(map + at, &value) == 0, "a page of the mapping is missing");
	shared->mapped++;
	munmap(map, layout.mmap_size);
}

static void hand(int number, int64_t end)
{
	random_state = number + 1;
	while (now_ns() < end) {
		int fd = open(node_path(card_number(), false), O_RDWR | O_CLOEXEC);

		if (fd < 0) {
			sleep_ms(5);
			continue;
		}
		if (number < 2) {
			for (int i = 0; i < 10; i++)
				change(fd);
		} else if (number < 4) {
			take_one(fd);
		} else if (number < 5) {
			read_one(fd);
		} else {
			map_all(fd);
		}
		close(fd);
		/* Capture has to be off now and then, or nothing could be changed. */
		if (number >= 2)
			sleep_ms(any(250));
	}
	tap_stop();
}

TEST_LIMIT(race, 300)
{
	int64_t end = now_ns() + (tap_argc > 2 ? atoi(tap_argv[2]) : 10) * NS_PER_S;
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	check = frame_check_open(open_frames(O_RDONLY));
	puts("STARTED");
	fflush(stdout);
	for (int number = 0; number < HANDS; number++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid)
			hand(number, end);
	}
	for (int number = 0; number < HANDS; number++) {
		CHECK(wait(&status) > 0);
		EXPECT_MSG(status == 0, "a hand ended with %#x", status);
	}
	tap_note("changed %llu, busy %llu, taken %llu, read %llu, mapped %llu, exported %llu",
		 (unsigned long long)shared->changed, (unsigned long long)shared->busy,
		 (unsigned long long)shared->taken, (unsigned long long)shared->read,
		 (unsigned long long)shared->mapped, (unsigned long long)shared->exported);
	EXPECT(shared->changed > 5 && shared->busy > 5 && shared->taken > 5 && shared->read > 0);
	EXPECT(shared->mapped > 5 && shared->exported > 0);
}
