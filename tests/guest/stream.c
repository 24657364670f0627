// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several programs capture at once, by TAKE and GIVE and by read(), and every
 * frame is accounted for: each reader's sequence numbers against what it was
 * told it missed, the driver's statistics against their own sum and against
 * the card's counters.
 *
 * stream [CARD [SECONDS]]
 */
#include <signal.h>
#include <sys/wait.h>

#include "card.h"
#include "frame_check.h"
#include "video_source.h"

#define TAKERS 3
#define READERS 2

/* What each program found, in memory that all share. */
struct found {
	uint64_t frames;
	uint64_t first, last;	/* sequence numbers, takers only */
	uint64_t gaps;		/* sequence numbers skipped */
	uint64_t missed;	/* as TAKE told */
	uint64_t delivered_stat, missed_stat;
	uint32_t number_less_sequence;
};

static struct shared {
	volatile bool stop;
	struct found found[TAKERS + READERS];
} *shared;

static unsigned int seconds(void)
{
	return tap_argc > 2 ? atoi(tap_argv[2]) : 8;
}

static void finish(int fd, struct found *found)
{
	struct grabber_stats stats = get_stats(fd);

	found->delivered_stat = stats.reader_delivered;
	found->missed_stat = stats.reader_missed;
}

/*
 * One of them is slow, and so misses frames; that must not be others' loss. Each
 * holds a slot at a time, so the buffer needs two more slots than there are programs.
 */
static void taker(struct found *found, bool slow)
{
	int fd = open_frames(O_RDONLY);
	const uint8_t *map = map_frames(fd, PROT_READ);
	struct frame_check *check = frame_check_open(fd);

	while (!shared->stop) {
		struct grabber_take take;
		int err = take_frame(fd, &take, NS_PER_S);
		uint32_t number;

		if (err == ETIMEDOUT)
			continue;
		CHECK_MSG(!err, "TAKE: %s", strerror(err));
		if (found->frames) {
			CHECK_MSG(take.sequence > found->last, "frame %llu after %llu",
				  (unsigned long long)take.sequence,
				  (unsigned long long)found->last);
			found->gaps += take.sequence - found->last - 1;
			found->missed += take.missed;
		} else {
			found->first = take.sequence;
		}
		found->last = take.sequence;
		found->frames++;
		if (slow)
			sleep_ms(400);
		frame_check(check, map + take.offset, take.bytes, &number);
		/* The card's count and the driver's go on together, losses included. */
		number = (number - take.sequence) & frame_check_mask(check);
		if (found->frames == 1)
			found->number_less_sequence = number;
		CHECK_MSG(number == found->number_less_sequence,
			  "frame %llu: the number in the picture runs away by %d",
			  (unsigned long long)take.sequence,
			  (int)(number - found->number_less_sequence));
		must_give(fd, take.slot);
	}
	finish(fd, found);
}

static void reader(struct found *found)
{
	int fd = open_frames(O_RDONLY);
	size_t size = get_format(fd).sizeimage;
	uint8_t *frame = malloc(size);
	struct frame_check *check = frame_check_open(fd);
	uint32_t number, last = 0;

	while (!shared->stop) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		size_t at = 0;

		if (poll(&poll_fd, 1, 1000) == 0)
			continue;
		while (at < size) {
			ssize_t got = read(fd, frame + at, size - at);

			CHECK_MSG(got > 0, "read(): %s", strerror(errno));
			at += got;
		}
		frame_check(check, frame, size, &number);
		number &= frame_check_mask(check);
		EXPECT_MSG(!found->frames || number != last, "frame %u was read twice", number);
		last = number;
		found->frames++;
	}
	finish(fd, found);
}

struct counters {
	uint64_t begun, sent, overrun, aborted;
};

static struct counters card_counters(int bar)
{
	return (struct counters){
		.begun = bar_counter(bar, VS_BEGUN), .sent = bar_counter(bar, VS_SENT),
		.overrun = bar_counter(bar, VS_OVERRUN), .aborted = bar_counter(bar, VS_ABORTED),
	};
}

/* The driver's counts since `before` against the card's, while nothing runs. */
static void compare_with_card(const struct grabber_stats *s0, const struct grabber_stats *s1,
			      const struct counters *c0, const struct counters *c1)
{
	uint64_t begun = s1->begun - s0->begun;
	uint64_t whole = s1->delivered - s0->delivered + s1->truncated - s0->truncated;

	tap_note("card: begun %llu sent %llu overrun %llu aborted %llu",
		 (unsigned long long)(c1->begun - c0->begun),
		 (unsigned long long)(c1->sent - c0->sent),
		 (unsigned long long)(c1->overrun - c0->overrun),
		 (unsigned long long)(c1->aborted - c0->aborted));
	EXPECT_MSG(begun == c1->begun - c0->begun, "the driver counts %llu frames begun, the card %llu",
		   (unsigned long long)begun, (unsigned long long)(c1->begun - c0->begun));
	EXPECT(c1->begun - c0->begun == c1->sent - c0->sent + c1->overrun - c0->overrun +
	       c1->aborted - c0->aborted);
	/* What was delivered was sent; what was sent and not delivered is counted as dropped. */
	EXPECT(whole <= c1->sent - c0->sent);
	EXPECT(s1->lost_by_card - s0->lost_by_card + s1->dropped_no_slot - s0->dropped_no_slot <=
	       c1->overrun - c0->overrun);
	EXPECT(whole > 0);
}

TEST_LIMIT(all_readers_get_their_frames, 180)
{
	int watcher = open_frames(O_RDONLY), bar = open_bar(O_RDONLY);
	struct grabber_stats before = get_stats(watcher), after;
	bool source = is_video_source(bar);
	struct counters card_before = { 0 }, card_after = { 0 };
	uint64_t lost;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(shared != MAP_FAILED);
	if (source)
		card_before = card_counters(bar);
	for (int i = 0; i < TAKERS + READERS; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid)
			continue;
		if (i < TAKERS)
			taker(&shared->found[i], i == 0);
		else
			reader(&shared->found[i]);
		tap_stop();
	}
	sleep_ms(seconds() * 1000);
	shared->stop = true;
	for (int i = 0; i < TAKERS + READERS; i++) {
		int status;

		CHECK(wait(&status) > 0);
		EXPECT_MSG(status == 0, "a reader failed");
	}
	EXPECT(!(get_info(watcher).flags & GRABBER_INFO_STREAMING));
	after = get_stats(watcher);
	print_stats("before", &before);
	print_stats("after", &after);
	check_sums(before);
	check_sums(after);
	EXPECT(after.held == 0 && after.readers == 1);
	lost = after.begun - before.begun - (after.delivered - before.delivered) -
	       (after.truncated - before.truncated);
	for (int i = 0; i < TAKERS + READERS; i++) {
		struct found *found = &shared->found[i];

		tap_note("reader %d: %llu frames, gaps %llu, missed %llu; the driver says %llu, missed %llu",
			 i, (unsigned long long)found->frames, (unsigned long long)found->gaps,
			 (unsigned long long)found->missed,
			 (unsigned long long)found->delivered_stat,
			 (unsigned long long)found->missed_stat);
		EXPECT_MSG(found->frames > 0, "reader %d had no frame at all", i);
		EXPECT(found->frames == found->delivered_stat);
		EXPECT(found->frames + found->missed_stat <= after.begun - before.begun);
		if (i >= TAKERS)
			continue;
		/* A jump is explained in full: missed by this reader, or lost on the way. */
		EXPECT_MSG(found->gaps >= found->missed && found->gaps <= found->missed + lost,
			   "reader %d: %llu numbers skipped, %llu missed, %llu lost by all", i,
			   (unsigned long long)found->gaps, (unsigned long long)found->missed,
			   (unsigned long long)lost);
	}
	if (source) {
		card_after = card_counters(bar);
		compare_with_card(&before, &after, &card_before, &card_after);
	}
}

/* Started and stopped again and again, with frames under way each time. */
TEST_LIMIT(stop_loses_no_count, 120)
{
	int fd = open_frames(O_RDONLY), bar = open_bar(O_RDONLY);
	struct grabber_stats before = get_stats(fd), after;
	bool source = is_video_source(bar);
	struct counters card_before = { 0 }, card_after;
	uint64_t last = 0;

	if (source)
		card_before = card_counters(bar);
	for (int i = 0; i < 15; i++) {
		struct grabber_take take;

		CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
		take = must_take(fd);
		EXPECT(i == 0 || take.sequence > last);
		last = take.sequence;
		sleep_ms(i * 7);
		must_give(fd, take.slot);
		CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	}
	after = get_stats(fd);
	print_stats("after 15 stops", &after);
	check_sums(after);
	EXPECT(after.dropped_error == before.dropped_error);
	if (source) {
		card_after = card_counters(bar);
		EXPECT(!(bar_read32(bar, VS_STATUS) & VS_STATUS_RUNNING));
		compare_with_card(&before, &after, &card_before, &card_after);
	}
}

/* The first frame after a restart says so. */
TEST(restart_is_a_discontinuity)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_take take = must_take(fd);

	must_give(fd, take.slot);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	/* those that were captured before the stop are still there */
	while (take_frame(fd, &take, 0) == 0) {
		bool restarted = take.frame_flags & GRABBER_FRAME_DISCONTINUITY;

		must_give(fd, take.slot);
		if (restarted)
			return;
	}
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	for (int i = 0; i < 100; i++) {
		take = must_take(fd);
		must_give(fd, take.slot);
		if (take.frame_flags & GRABBER_FRAME_DISCONTINUITY)
			return;
	}
	EXPECT_MSG(false, "no frame after the restart has the DISCONTINUITY flag");
}
