// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fast reader, a slow one, one that is stopped (SIGSTOP) and one that is killed, at
 * once on one card. The fast one misses nothing, and each one's frames add up.
 *
 * readers [CARD [SECONDS]]
 */
#include <signal.h>
#include <sys/wait.h>

#include <grabber.h>

#include "card.h"
#include "frame_check.h"

enum role { FAST, SLOW, STOPPED, KILLED, ROLES };

static const char *const names[] = { "fast", "slow", "stopped", "killed" };

/* A reader's counts. The one that is killed may be so amid writing them: it writes
 * the copy that is not in use, and then says which to use.
 */
struct counts {
	uint64_t first, next, delivered, missed;
	uint64_t whole;		/* frames that were compared byte by byte */
	uint64_t driver_delivered, driver_missed;
};

static struct shared {
	int open;
	bool go, stop;
	struct counts counts[ROLES][2];
	int current[ROLES];
} *shared;

static unsigned int seconds(void)
{
	return tap_argc > 2 ? atoi(tap_argv[2]) : 10;
}

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void publish(enum role role, const struct counts *counts)
{
	int other = !shared->current[role];

	shared->counts[role][other] = *counts;
	__atomic_store_n(&shared->current[role], other, __ATOMIC_RELEASE);
}

static const struct counts *counts_of(enum role role)
{
	return &shared->counts[role][__atomic_load_n(&shared->current[role], __ATOMIC_ACQUIRE)];
}

static void look_at(struct grabber_reader *reader, struct grabber_frame *frame, enum role role,
		    struct frame_check *check, struct counts *counts)
{
	static uint64_t last;
	uint32_t number;

	EXPECT_MSG(!counts->next || frame->sequence > last, "%s: frame %llu after %llu",
		   names[role], (unsigned long long)frame->sequence, (unsigned long long)last);
	last = frame->sequence;
	/* Compare only what cannot change meanwhile, or is known not to have. */
	if (role == KILLED) {
		counts->whole += frame_check(check, frame->data, frame->bytes, &number);
	} else {
		static uint8_t *copy;

		copy = copy ? copy : malloc(reader->buffer.slot_size);
		CHECK(copy);
		memcpy(copy, frame->data, frame->bytes);
		if (role == SLOW)
			sleep_ms(150);
		if (grabber_whole(reader, frame))
			counts->whole += frame_check(check, copy, frame->bytes, &number);
	}
	counts->next = reader->next;
	counts->delivered = reader->delivered;
	counts->missed = reader->missed;
	publish(role, counts);
}

static bool streaming(const struct grabber_reader *reader)
{
	return __atomic_load_n(&reader->status->flags, __ATOMIC_ACQUIRE) &
	       GRABBER_STATUS_STREAMING;
}

/* The frames there are, one by one; a slow reader never comes to their end while more
 * come, so it stops when told.
 */
static void read_ready(struct grabber_reader *reader, enum role role, struct frame_check *check,
		       struct counts *counts, bool until_told)
{
	struct grabber_frame frame;
	int err;

	while (!(err = grabber_next(reader, &frame))) {
		look_at(reader, &frame, role, check, counts);
		if (until_told && is_set(&shared->stop))
			return;
	}
	CHECK_MSG(err == -EAGAIN, "%s: %s", names[role], strerror(-err));
}

/* Returns 0 or an error when none came in time */
static int read_some(struct grabber_reader *reader, enum role role, struct frame_check *check,
		     struct counts *counts)
{
	struct grabber_frame frame;
	int err;

	if (role != KILLED) {
		err = grabber_wait(reader, 500 * NS_PER_MS);
		if (!err)
			read_ready(reader, role, check, counts, true);
		return err;
	}
	err = grabber_take_frame(reader, &frame, 0, 500 * NS_PER_MS);
	if (!err) {
		look_at(reader, &frame, role, check, counts);
		CHECK(!grabber_give_frame(reader, &frame));
	}
	return err;
}

/* Until told to stop, and then to the last frame there is. */
static void read_frames(enum role role)
{
	struct counts counts = { 0 };
	struct grabber_reader reader;
	struct frame_check *check;
	struct grabber_stats stats;

	CHECK(!grabber_open_card(&reader, card_number()));
	check = frame_check_open(reader.fd);
	counts.first = reader.next;
	__atomic_add_fetch(&shared->open, 1, __ATOMIC_SEQ_CST);
	while (!is_set(&shared->go))
		sleep_ms(5);
	while (!is_set(&shared->stop)) {
		int err = read_some(&reader, role, check, &counts);

		CHECK_MSG(!err || err == -ETIMEDOUT, "%s: %s", names[role], strerror(-err));
	}
	grabber_stop(&reader);
	while (streaming(&reader))
		sleep_ms(5);
	read_ready(&reader, role, check, &counts, false);
	CHECK(!grabber_tell(&reader));

	stats = get_stats(reader.fd);
	counts.next = reader.next;
	counts.delivered = reader.delivered;
	counts.missed = reader.missed;
	counts.driver_delivered = stats.reader_delivered;
	counts.driver_missed = stats.reader_missed;
	publish(role, &counts);
}

static void check_counts(enum role role)
{
	const struct counts *c = counts_of(role);

	tap_note("%s: frames %llu to %llu: %llu delivered, of which %llu compared, %llu missed",
		 names[role], (unsigned long long)c->first, (unsigned long long)c->next,
		 (unsigned long long)c->delivered, (unsigned long long)c->whole,
		 (unsigned long long)c->missed);
	EXPECT_MSG(c->delivered + c->missed == c->next - c->first, "%s: does not add up",
		   names[role]);
	EXPECT_MSG(c->whole == c->delivered, "%s: a frame was wrong", names[role]);
	EXPECT_MSG(c->delivered > 0, "%s: no frame at all", names[role]);
	if (role == KILLED)
		return;
	EXPECT_MSG(c->driver_delivered == c->delivered && c->driver_missed == c->missed,
		   "%s: the driver says %llu and %llu", names[role],
		   (unsigned long long)c->driver_delivered, (unsigned long long)c->driver_missed);
}

TEST_LIMIT(four_readers, 200)
{
	int watcher = open_frames(O_RDONLY), status;
	struct grabber_stats before, after;
	pid_t pids[ROLES];

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(shared != MAP_FAILED);
	before = get_stats(watcher);
	for (int role = 0; role < ROLES; role++) {
		pids[role] = fork();
		CHECK(pids[role] >= 0);
		if (!pids[role]) {
			read_frames(role);
			tap_stop();
		}
	}
	while (__atomic_load_n(&shared->open, __ATOMIC_ACQUIRE) < ROLES)
		sleep_ms(10);
	CHECK(ioctl(watcher, GRABBER_IOC_START) == 0);
	__atomic_store_n(&shared->go, true, __ATOMIC_RELEASE);

	sleep_ms(seconds() * 200);
	CHECK(kill(pids[STOPPED], SIGSTOP) == 0);
	sleep_ms(seconds() * 400);
	CHECK(kill(pids[KILLED], SIGKILL) == 0 && waitpid(pids[KILLED], &status, 0) > 0);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	sleep_ms(seconds() * 300);
	CHECK(kill(pids[STOPPED], SIGCONT) == 0);
	sleep_ms(seconds() * 100);
	CHECK(ioctl(watcher, GRABBER_IOC_STOP) == 0);
	/* It goes on for those that are left, until they stop as well. */
	__atomic_store_n(&shared->stop, true, __ATOMIC_RELEASE);
	for (int role = 0; role < KILLED; role++) {
		CHECK(waitpid(pids[role], &status, 0) > 0);
		EXPECT_MSG(status == 0, "%s failed", names[role]);
	}

	after = get_stats(watcher);
	print_stats("before", &before);
	print_stats("after", &after);
	check_sums(after);
	EXPECT(after.held == 0 && after.readers == 1);
	for (int role = 0; role < ROLES; role++)
		check_counts(role);
	EXPECT_MSG(counts_of(FAST)->missed == 0, "the fast one missed frames");
	EXPECT(counts_of(STOPPED)->missed > 0 && counts_of(SLOW)->missed > 0);
	EXPECT(counts_of(FAST)->delivered == after.delivered - before.delivered);
}
