// SPDX-License-Identifier: GPL-2.0-only
/*
 * The header library grabber.h on the driver's own ring and status page: random walks
 * of a card and a reader, where the card goes on between any two words that the reader
 * looks at; then both at once, in two threads. The driver's ring.c and status.c are
 * compiled in as they are; what the library asks by ioctl() is answered here.
 */
#include <linux/types.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static int fake_ioctl(int fd, unsigned long request, ...);
#define ioctl fake_ioctl
#include <grabber.h>
#undef ioctl

#include "../../driver/ring.h"

#define SLOTS_MAX	40
#define WORDS		6	/* of a frame: each has the frame's tag */
#define TAGS		4096
#define STATUS_MAX	(sizeof(struct grabber_status) + \
			 SLOTS_MAX * (sizeof(struct grabber_status_slot) + sizeof(u32)))

#define CHECK(condition) do {							\
	if (!(condition)) {							\
		fprintf(stderr, "%s:%d: %s (%u slots, seed %u)\n", __FILE__,	\
			__LINE__, #condition, world.nslots, world.seed);	\
		abort();							\
	}									\
} while (0)

static struct world {
	u32 nslots;
	u32 seed;
	struct grabber_ring ring;
	struct grabber_slot slots[SLOTS_MAX];
	u32 order[SLOTS_MAX];
	u32 queue[SLOTS_MAX];	/* with the card, oldest first */
	u32 queued;
	u32 written;		/* words of the oldest that are the next frame's */
	u64 tag;		/* of the frame that the card writes */
	u64 tags[TAGS];		/* of those that are done, by their number */
	u64 cursor, delivered, missed;	/* as the driver has them of the reader */
	bool held[SLOTS_MAX];
	u64 status[STATUS_MAX / 8 + 1];
	u64 memory[SLOTS_MAX][WORDS];
} world;

/* The driver's stores are watched in ring_model.c. */
void unit_stores(const volatile void *at)
{
	(void)at;
}

static u32 chance(u32 below)
{
	/* xorshift: the same walk for the same seed, everywhere */
	world.seed ^= world.seed << 13;
	world.seed ^= world.seed >> 17;
	world.seed ^= world.seed << 5;
	return world.seed % below;
}

static void feed(void)
{
	int slot;

	while ((slot = grabber_ring_queue(&world.ring)) >= 0)
		world.queue[world.queued++] = slot;
}

/* The card writes a word; after the last one, the frame is done or lost. */
static void card_step(bool may_lose)
{
	u32 slot = world.queue[0], i;

	if (!world.queued) {
		grabber_ring_lose(&world.ring, GRABBER_LOSS_NO_SLOT, 1);
		return;
	}
	__atomic_store_n(&world.memory[slot][world.written++], world.tag, __ATOMIC_RELAXED);
	if (world.written < WORDS)
		return;
	world.written = 0;
	if (may_lose && chance(8) == 0) {
		/* its slot gets the next one, over what is there */
		grabber_ring_lose(&world.ring, GRABBER_LOSS_ERROR, 1);
		world.tag++;
		return;
	}
	world.tags[world.ring.ordinal % TAGS] = world.tag++;
	for (i = 1; i < world.queued; i++)
		world.queue[i - 1] = world.queue[i];
	world.queued--;
	grabber_ring_done(&world.ring, slot, WORDS * 8, 0, 0);
	feed();
}

static void card_steps(u32 most)
{
	u32 steps = chance(4) ? 0 : chance(most + 1);

	while (steps--)
		card_step(true);
}

static int fail(int error)
{
	errno = error;
	return -1;
}

/* As the driver's seek() */
static int seek(const struct grabber_seek *args)
{
	u64 passed = args->frame - world.cursor;

	if (args->frame < world.cursor || args->frame > world.ring.ordinal ||
	    args->missed > passed)
		return fail(EINVAL);
	world.cursor = args->frame;
	world.missed += args->missed;
	world.delivered += passed - args->missed;
	return 0;
}

/* As its give_slot() */
static int give(u32 slot)
{
	if (!world.held[slot])
		return fail(EINVAL);
	world.held[slot] = false;
	grabber_ring_release(&world.ring, slot);
	feed();
	return 0;
}

/* As its take(), when a frame is there or no wait was asked for */
static int take(struct grabber_take *args)
{
	int slot;

	if ((args->flags & GRABBER_TAKE_GIVE) && give(args->slot))
		return -1;
	slot = grabber_ring_find(&world.ring, world.cursor, args->flags & GRABBER_TAKE_NEWEST);
	if (slot < 0)
		return fail(EAGAIN);
	if (!grabber_ring_hold(&world.ring, slot))
		return fail(EBUSY);
	world.held[slot] = true;
	args->slot = slot;
	args->offset = slot * sizeof(world.memory[0]);
	args->sequence = world.slots[slot].sequence;
	args->bytes = world.slots[slot].bytes;
	args->missed = world.slots[slot].ordinal - world.cursor;
	world.missed += args->missed;
	world.delivered++;
	world.cursor = world.slots[slot].ordinal + 1;
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	switch (request) {
	case GRABBER_IOC_SEEK:
		return seek(arg);
	case GRABBER_IOC_TAKE:
		return take(arg);
	case GRABBER_IOC_GIVE:
		return give(((struct grabber_give *)arg)->slot);
	default:
		return fail(ENOTTY);
	}
}

static struct grabber_reader start(u32 nslots, u32 seed)
{
	struct grabber_reader reader = { .fd = -1 };
	struct grabber_status *status;

	memset(&world, 0, sizeof(world));
	world.nslots = nslots;
	world.seed = seed;
	status = (struct grabber_status *)world.status;
	grabber_ring_init(&world.ring, world.slots, world.order, status, nslots);
	feed();
	reader.map = (const unsigned char *)world.memory;
	reader.buffer.slots = nslots;
	reader.buffer.stride = sizeof(world.memory[0]);
	reader.status = status;
	reader.entries = (const void *)((const char *)status + status->entries_offset);
	reader.order = (const void *)((const char *)status + status->order_offset);
	return reader;
}

/* Looks at all words of a frame. Returns the tag, or 0 where they are not the same. */
static u64 look(const struct grabber_frame *frame, u32 card_goes_on)
{
	const u64 *words = frame->data;
	u64 tag = __atomic_load_n(&words[0], __ATOMIC_RELAXED);
	bool same = true;

	for (u32 i = 1; i < WORDS; i++) {
		if (card_goes_on)
			card_steps(card_goes_on);
		same &= __atomic_load_n(&words[i], __ATOMIC_RELAXED) == tag;
	}
	return same ? tag : 0;
}

static u64 whole_frames, torn_frames, mixed_frames, held_frames;

/* A frame that was handed out, the one in @slot */
static void check_frame(struct grabber_reader *reader, struct grabber_frame *frame, int slot,
			u32 card_goes_on)
{
	const struct grabber_slot *owner = &world.slots[slot];
	u64 tag;

	CHECK(frame->slot == (u32)slot && frame->frame == owner->ordinal);
	CHECK(frame->sequence == owner->sequence && frame->bytes == WORDS * 8);
	tag = look(frame, card_goes_on);
	mixed_frames += !tag;
	if (grabber_whole(reader, frame)) {
		whole_frames++;
		CHECK(tag && tag == world.tags[frame->frame % TAGS]);
	} else {
		torn_frames++;
		/* rightly so: the card has the slot, or had it */
		CHECK(owner->state == GRABBER_SLOT_QUEUED || owner->ordinal != frame->frame);
		CHECK(!grabber_whole(reader, frame));
	}
}

static void read_one(struct grabber_reader *reader, struct grabber_frame *frame, bool newest)
{
	int want = grabber_ring_find(&world.ring, reader->next, newest);
	int err = newest ? grabber_newest(reader, frame) : grabber_next(reader, frame);

	CHECK(err == (want < 0 ? -EAGAIN : 0));
	if (!err)
		check_frame(reader, frame, want, 1 + chance(3 * world.nslots));
}

static void hold_one(struct grabber_reader *reader, struct grabber_frame *frame)
{
	int err = grabber_take_frame(reader, frame, chance(2) ? GRABBER_TAKE_NEWEST : 0, 0);

	CHECK(!err || err == -EAGAIN || err == -EBUSY);
	if (err)
		return;
	held_frames++;
	CHECK(look(frame, 4 * world.nslots) == world.tags[frame->frame % TAGS]);
	CHECK(grabber_whole(reader, frame));
	if (chance(2)) {
		u64 missed = frame->missed;
		u32 slot = frame->slot;

		err = grabber_take_frame(reader, frame, GRABBER_TAKE_GIVE, 0);
		CHECK(!err || err == -EAGAIN);
		CHECK(world.held[slot] == (!err && frame->slot == slot));
		if (err)
			return;
		held_frames++;
		frame->missed += missed;
		CHECK(look(frame, 4 * world.nslots) == world.tags[frame->frame % TAGS]);
	}
	CHECK(grabber_give_frame(reader, frame) == 0);
	CHECK(grabber_give_frame(reader, frame) == -EINVAL);
	CHECK(grabber_take_frame(reader, frame, GRABBER_TAKE_GIVE, 0) == -EINVAL);
}

/* Several frames in hand, and the driver told of them, before any is known whole. */
static void read_some(struct grabber_reader *reader, u64 *missed)
{
	struct grabber_frame frames[3];
	int count = 0;

	while (count < 3 && !grabber_next(reader, &frames[count]))
		*missed += frames[count++].missed;
	CHECK(grabber_tell(reader) == 0);
	card_steps(4 * world.nslots * WORDS);
	while (count--) {
		u64 tag = look(&frames[count], 0);

		if (grabber_whole(reader, &frames[count]))
			CHECK(tag == world.tags[frames[count].frame % TAGS]);
	}
}

static void walk(u32 nslots, u32 seed, u32 turns)
{
	struct grabber_reader reader = start(nslots, seed);
	struct grabber_frame frame;
	u64 missed = 0, next;

	world.tag = 1;
	while (turns--) {
		/* from keeping up to far behind */
		u32 steps = chance(16) ? chance(3 * WORDS) : chance(4 * nslots * WORDS);

		while (steps--)
			card_step(true);
		next = reader.next;
		switch (chance(8)) {
		case 0:
			hold_one(&reader, &frame);
			break;
		case 1:
			read_some(&reader, &missed);
			next = reader.next;
			break;
		case 2:
			CHECK(grabber_tell(&reader) == 0);
			CHECK(world.cursor == reader.next);
			break;
		default:
			read_one(&reader, &frame, chance(6) == 0);
		}
		if (reader.next != next && frame.frame + 1 == reader.next)
			missed += frame.missed;
		CHECK(reader.delivered + reader.missed == reader.next);
		CHECK(missed + reader.missed_lately == reader.missed);
		CHECK(reader.next >= next && reader.next <= world.ring.ordinal);
	}
	/* One that was torn after the driver was told of it counts with the next ones. */
	for (u32 i = 0; i < 4 * WORDS; i++)
		card_step(false);
	while (!grabber_next(&reader, &frame))
		CHECK(grabber_whole(&reader, &frame));
	CHECK(grabber_tell(&reader) == 0);
	CHECK(world.delivered == reader.delivered && world.missed == reader.missed);

	world.ring.status->flags |= GRABBER_STATUS_GONE;
	CHECK(grabber_next(&reader, &frame) == -ENODEV);
}

static bool over;

static void *card_thread(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
		card_step(false);
	return NULL;
}

/* Both at once; now and then the reader lets the card have the processor. The tag of a
 * frame is its number, and one more.
 */
static void threads(u32 nslots, u64 frames)
{
	struct grabber_reader reader = start(nslots, 1);
	struct grabber_frame frame;
	pthread_t card;
	u64 tag;

	world.tag = 1;
	over = false;
	CHECK(!pthread_create(&card, NULL, card_thread, NULL));
	while (reader.delivered + reader.missed < frames) {
		if (grabber_next(&reader, &frame))
			continue;
		if (reader.delivered % 64 == 0)
			sched_yield();
		tag = look(&frame, 0);
		mixed_frames += !tag;
		if (grabber_whole(&reader, &frame)) {
			whole_frames++;
			CHECK(tag == frame.frame + 1);
			CHECK(frame.sequence == frame.frame);
		} else {
			torn_frames++;
		}
		CHECK(reader.delivered + reader.missed == reader.next);
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	pthread_join(card, NULL);
}

static void report(const char *name, u64 least)
{
	printf("ok %s: %llu whole, %llu torn, %llu seen mixed, %llu held\n", name,
	       (unsigned long long)whole_frames, (unsigned long long)torn_frames,
	       (unsigned long long)mixed_frames, (unsigned long long)held_frames);
	/* Else it proves little. How many are torn by threads is up to the machine. */
	CHECK(whole_frames > least && torn_frames >= least);
	whole_frames = 0;
	torn_frames = 0;
	mixed_frames = 0;
	held_frames = 0;
}

int main(void)
{
	for (u32 nslots = GRABBER_RING_SLOTS_MIN; nslots <= SLOTS_MAX; nslots++)
		for (u32 seed = 1; seed <= 10; seed++)
			walk(nslots, seed * 7919, 1000);
	CHECK(held_frames > 1000);
	report("walks", 10000);
	for (u32 nslots = GRABBER_RING_SLOTS_MIN; nslots <= 8; nslots++)
		threads(nslots, 300000);
	report("threads", 0);
	return 0;
}
