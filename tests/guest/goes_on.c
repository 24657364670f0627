// SPDX-License-Identifier: GPL-2.0-only
#include <sys/wait.h>

#include "card.h"
#include "goes_on.h"
#include "video_source.h"

struct goes_on *goes_on;
static int users;

static void reader(void)
{
	int fd = open_frames(O_RDONLY);
	size_t size = get_buffer(fd).slot_size;
	uint8_t *frame = malloc(size);

	while (!goes_on->stop) {
		ssize_t got = read(fd, frame, size);

		CHECK_MSG(got > 0, "read(): %s", strerror(errno));
		goes_on->read++;
	}
}

static void taker(void)
{
	int fd = open_frames(O_RDONLY);
	const uint8_t *map = map_frames(fd, PROT_READ);
	struct grabber_stats stats;
	uint64_t last = 0;

	while (!goes_on->stop) {
		struct grabber_take take;
		int err = take_frame(fd, &take, -1);

		/* The freezer may interrupt a wait, as a signal does. */
		if (err == EINTR)
			continue;
		CHECK_MSG(!err, "TAKE: %s", strerror(err));
		EXPECT_MSG(!goes_on->taken || take.sequence > last, "frame %llu after %llu",
			   (unsigned long long)take.sequence, (unsigned long long)last);
		last = take.sequence;
		goes_on->taken++;
		if (take.frame_flags & GRABBER_FRAME_DISCONTINUITY) {
			goes_on->last_flagged = take.timestamp_ns;
			goes_on->flagged++;
		}
		checksum(map + take.offset, take.bytes);
		must_give(fd, take.slot);
	}
	stats = get_stats(fd);
	check_sums(stats);
	EXPECT(stats.reader_delivered == goes_on->taken);
}

/* No access sees anything but the register, least of all ones; it may only take longer. */
static void mapper(void)
{
	int bar = open_bar(O_RDWR);
	volatile uint32_t *map = map_bar(bar, PROT_READ | PROT_WRITE);

	while (!goes_on->stop) {
		uint32_t id = map[VS_ID / 4];

		CHECK_MSG(id == VS_ID_MAGIC, "the mapped register is %#x", id);
		goes_on->mapped++;
	}
}

static void caller(void)
{
	int bar = open_bar(O_RDWR);

	while (!goes_on->stop) {
		CHECK(bar_read32(bar, VS_ID) == VS_ID_MAGIC);
		goes_on->called++;
		sleep_ms(1);
	}
}

void goes_on_begin(bool registers)
{
	static void (*const does[])(void) = { reader, taker, mapper, caller };

	goes_on = mmap(NULL, sizeof(*goes_on), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(goes_on != MAP_FAILED);
	for (users = 0; users < (registers ? 4 : 2); users++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			does[users]();
			tap_stop();
		}
	}
}

void goes_on_expect(const char *what, const volatile uint64_t *count, uint64_t from)
{
	int64_t end = now_ns() + 30 * NS_PER_S;

	while (*count < from + 5 && now_ns() < end)
		sleep_ms(20);
	CHECK_MSG(*count >= from + 5, "%s: does not go on", what);
}

void goes_on_end(void)
{
	goes_on->stop = true;
	while (users--) {
		int status;

		CHECK(wait(&status) > 0);
		EXPECT_MSG(status == 0, "one of the users failed");
	}
}
