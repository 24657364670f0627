// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring against a model of it, which is slow and obvious: for small rings every
 * sequence of steps up to a depth, for larger ones long random walks. A step is one
 * of: the card finishes its oldest slot, the card drops a frame, a reader holds its
 * next or the newest frame, gives one back, another one begins or ends to read() its
 * next, capture stops.
 *
 * The driver's own ring.c is compiled in as it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uapi/linux/grabber.h>

#include "../../driver/ring.h"
#include "../../driver/status.h"

#define SLOTS_MAX	32
#define READERS		2
#define HOLDER		0	/* by TAKE and GIVE */
#define READER		1	/* by read() */
#define STEPS		9
#define STATUS_MAX	(sizeof(struct grabber_status) + \
			 SLOTS_MAX * (sizeof(struct grabber_status_slot) + sizeof(u32)))

#define CHECK(condition) do {							\
	if (!(condition)) {							\
		fprintf(stderr, "%s:%d: %s (%u slots, after step %lu)\n",	\
			__FILE__, __LINE__, #condition, world.nslots, steps);	\
		abort();							\
	}									\
} while (0)

/* What the model knows of a slot. */
struct model_slot {
	bool queued;
	bool has_frame;
	u64 ordinal;
	u64 sequence;
	u32 holds;	/* of HOLDER */
	bool read;	/* READER is in its middle */
};

struct world {
	u32 nslots;
	u32 queue[SLOTS_MAX];	/* slots with the card, oldest first */
	u32 queued;
	struct model_slot model[SLOTS_MAX];
	u64 begun;
	u64 came;
	u64 cursor[READERS];
	u64 got[READERS];
	u64 missed[READERS];
	int reading;		/* slot that READER is in the middle of, -1 for none */
	u64 reading_ordinal;
	bool lost_before;
	struct grabber_ring ring;
	struct grabber_slot slots[SLOTS_MAX];
	u32 order[SLOTS_MAX];
	u64 generation[SLOTS_MAX];	/* as a reader last saw them */
	_Alignas(8) char status[STATUS_MAX];
};

static struct world world;
static unsigned long steps;

/* What is said of a slot may change only while its generation is odd: so a reader that
 * finds the same even number twice has seen one state of it.
 */
void unit_stores(const volatile void *at)
{
	size_t offset = (const volatile char *)at - world.status - sizeof(struct grabber_status);
	const struct grabber_status_slot *entry;

	if (offset >= world.nslots * sizeof(*entry))
		return;
	entry = (void *)(world.status + sizeof(struct grabber_status) +
			 offset / sizeof(*entry) * sizeof(*entry));
	CHECK(at == &entry->generation || (entry->generation & 1));
}

static u32 held_slots(void)
{
	u32 i, held = 0;

	for (i = 0; i < world.nslots; i++)
		held += !!world.model[i].holds;
	return held;
}

/* The oldest frame that nobody holds or reads, but for the newest; -1 for none. One that
 * lost its place is not among them: the ring made it free, or will.
 */
static int oldest_idle(void)
{
	int found = -1;
	u32 i;

	for (i = 0; i < world.nslots; i++) {
		const struct model_slot *m = &world.model[i];

		if (m->queued || !m->has_frame || m->holds || m->read ||
		    m->ordinal + 1 == world.came || m->ordinal + world.nslots < world.came)
			continue;
		if (found < 0 || m->ordinal < world.model[found].ordinal)
			found = i;
	}
	return found;
}

/* The card is given what the ring offers: a free slot, the oldest idle frame's, or in
 * need that of a read(). Never a held one, nor the newest frame's.
 */
static void feed(void)
{
	int idle = oldest_idle();
	int slot;

	while ((slot = grabber_ring_queue(&world.ring)) >= 0) {
		struct model_slot *m = &world.model[slot];

		CHECK((u32)slot < world.nslots);
		CHECK(!m->queued && !m->holds);
		CHECK(!m->has_frame || m->ordinal + 1 < world.came);
		if (m->read) {
			CHECK(idle < 0 && !world.queued);
			CHECK(slot == world.reading);
			CHECK(!grabber_ring_is_read(&world.ring, slot, world.reading_ordinal));
			world.reading = -1;
		} else if (m->has_frame && m->ordinal + world.nslots >= world.came) {
			CHECK(slot == idle);
		}
		m->queued = true;
		m->has_frame = false;
		m->read = false;
		world.queue[world.queued++] = slot;
		idle = oldest_idle();
	}
	/* The card is never without a slot. */
	CHECK(world.queued);
}

/* The status page tells the same, by its own rules only. */
static void check_status(void)
{
	const struct grabber_status *status = (void *)world.status;
	const struct grabber_status_slot *entries = (void *)(world.status + status->entries_offset);
	const u32 *order = (void *)(world.status + status->order_offset);
	u64 frame = world.came > world.nslots ? world.came - world.nslots : 0;
	u32 i;

	CHECK(status->slots == world.nslots);
	CHECK(status->order_offset + world.nslots * sizeof(u32) ==
	      grabber_status_bytes(world.nslots));
	CHECK(status->frames == world.came);
	CHECK(status->begun == world.begun);
	CHECK(status->delivered + status->truncated == world.came);
	CHECK(status->begun == status->delivered + status->truncated + status->dropped_no_slot +
	      status->dropped_error + status->dropped_stop + status->lost_by_card);
	for (i = 0; i < world.nslots; i++) {
		const struct model_slot *m = &world.model[i];

		/* Odd while the card may write it, and never back at an older number. */
		if (m->queued)
			CHECK(entries[i].generation & 1);
		CHECK(entries[i].generation >= world.generation[i]);
		world.generation[i] = entries[i].generation;
		if (entries[i].generation & 1)
			continue;
		CHECK(m->has_frame && entries[i].frame == m->ordinal);
		CHECK(entries[i].sequence == m->sequence);
	}
	/* Every frame that is still there is found by the order, and no other. */
	for (; frame < world.came; frame++) {
		const struct grabber_status_slot *e = &entries[order[frame % world.nslots]];
		bool found = !(e->generation & 1) && e->frame == frame;
		bool there = false;

		for (i = 0; i < world.nslots; i++)
			there |= world.model[i].has_frame && world.model[i].ordinal == frame;
		CHECK(found == there);
	}
}

/* After every step. */
static void check_world(void)
{
	u64 lost = 0;
	u32 i;

	for (i = 0; i < GRABBER_LOSS_CAUSES; i++)
		lost += world.ring.lost[i];
	CHECK(world.ring.sequence == world.begun);
	CHECK(world.ring.delivered + world.ring.truncated + lost == world.begun);
	CHECK(world.ring.delivered + world.ring.truncated == world.came);
	CHECK(world.ring.queued == world.queued);
	CHECK(world.ring.held == held_slots());
	CHECK(world.ring.held <= world.nslots - GRABBER_RING_UNHELD_MIN);
	CHECK(world.ring.hold_max <= world.ring.hold_total);
	CHECK(world.nslots < 5 || world.ring.hold_max < world.ring.hold_total);
	if (world.reading >= 0)
		CHECK(grabber_ring_is_read(&world.ring, world.reading, world.reading_ordinal));
	for (i = 0; i < world.nslots; i++) {
		CHECK(world.model[i].queued == (world.slots[i].state == GRABBER_SLOT_QUEUED));
		/* A held frame never changes, nor one that is read while it is. */
		if (world.model[i].holds || world.model[i].read) {
			CHECK(world.slots[i].state == GRABBER_SLOT_READY);
			CHECK(world.slots[i].sequence == world.model[i].sequence);
		}
	}
	check_status();
	for (i = 0; i < READERS; i++)
		CHECK(world.got[i] + world.missed[i] == world.cursor[i]);
}

static void card_finishes(void)
{
	u32 slot, flags = world.begun % 5 == 4 ? GRABBER_FRAME_TRUNCATED : 0;

	/* Two slots at least are nobody's but the card's and the newest frame's. */
	CHECK(world.queued);
	slot = world.queue[0];
	memmove(world.queue, world.queue + 1, --world.queued * sizeof(*world.queue));
	grabber_ring_done(&world.ring, slot, 100 + slot, flags, world.begun);
	world.model[slot] = (struct model_slot) {
		.has_frame = true,
		.ordinal = world.came++,
		.sequence = world.begun++,
	};
	CHECK(!!(world.slots[slot].flags & GRABBER_FRAME_DISCONTINUITY) == world.lost_before);
	CHECK(world.slots[slot].bytes == 100 + slot);
	world.lost_before = false;
	feed();
}

static void card_loses(u32 frames)
{
	grabber_ring_lose(&world.ring, world.begun % GRABBER_LOSS_CAUSES, frames);
	world.begun += frames;
	world.lost_before = true;
}

static void stop_and_start(void)
{
	u32 i;

	grabber_ring_stop(&world.ring);
	for (i = 0; i < world.nslots; i++)
		world.model[i].queued = false;
	world.queued = 0;
	world.lost_before = true;
	feed();
}

/* The oldest frame from the cursor on, among those that a reader can still get: the
 * ring remembers as many as it has slots.
 */
static int expected_slot(u64 cursor, bool newest)
{
	int found = -1;
	u32 i;

	for (i = 0; i < world.nslots; i++) {
		struct model_slot *m = &world.model[i];

		if (m->queued || !m->has_frame || m->ordinal < cursor ||
		    m->ordinal + world.nslots < world.came)
			continue;
		if (found < 0 || (m->ordinal < world.model[found].ordinal) != newest)
			found = i;
	}
	return found;
}

/* The reader was given the frame of this slot. */
static void given(u32 reader, u32 slot)
{
	world.missed[reader] += world.model[slot].ordinal - world.cursor[reader];
	world.cursor[reader] = world.model[slot].ordinal + 1;
	world.got[reader]++;
}

static void take(bool newest)
{
	int slot = grabber_ring_find(&world.ring, world.cursor[HOLDER], newest);
	bool room;
	u32 most;

	CHECK(slot == expected_slot(world.cursor[HOLDER], newest));
	/* What poll() asks without the lock is just this. */
	CHECK((slot >= 0) == (world.ring.ordinal > world.cursor[HOLDER] &&
			      world.ring.ordinal > world.ring.base));
	if (slot < 0)
		return;
	most = world.nslots - (world.nslots > 3 ? 3 : 2);
	room = world.model[slot].holds || held_slots() < most;
	CHECK(grabber_ring_hold(&world.ring, slot) == room);
	if (!room)
		return;
	world.model[slot].holds++;
	given(HOLDER, slot);
}

static void give_first(void)
{
	u32 i;

	for (i = 0; i < world.nslots; i++) {
		if (!world.model[i].holds)
			continue;
		grabber_ring_release(&world.ring, i);
		world.model[i].holds--;
		/* Too old to be found: the ring may have made it free. */
		if (world.slots[i].state == GRABBER_SLOT_FREE) {
			CHECK(!world.model[i].holds && !world.model[i].read);
			CHECK(world.model[i].ordinal + world.nslots < world.came);
		}
		feed();
		return;
	}
}

static void read_begins(void)
{
	int slot = grabber_ring_find(&world.ring, world.cursor[READER], false);

	CHECK(slot == expected_slot(world.cursor[READER], false));
	if (slot < 0 || world.reading >= 0)
		return;
	grabber_ring_read_begin(&world.ring, slot);
	world.model[slot].read = true;
	world.reading = slot;
	world.reading_ordinal = world.model[slot].ordinal;
	given(READER, slot);
}

static void read_ends(void)
{
	if (world.reading < 0)
		return;
	grabber_ring_read_end(&world.ring, world.reading);
	world.model[world.reading].read = false;
	world.reading = -1;
	feed();
}

static void step(u32 which)
{
	steps++;
	switch (which) {
	case 0:
	case 1:
		card_finishes();
		break;
	case 2:
		card_loses(1 + world.begun % 3);
		break;
	case 3:
		stop_and_start();
		break;
	case 4:
		take(false);
		break;
	case 5:
		take(true);
		break;
	case 6:
		give_first();
		break;
	case 7:
		read_begins();
		break;
	default:
		read_ends();
	}
	check_world();
}

static void new_world(u32 nslots)
{
	memset(&world, 0, sizeof(world));
	world.nslots = nslots;
	world.reading = -1;
	grabber_ring_init(&world.ring, world.slots, world.order,
			  (void *)world.status, nslots);
	feed();
	check_world();
}

/* Pointers in a copied world still point into the one world there is. */
static void every_sequence(u32 depth)
{
	struct world before = world;
	u32 which;

	if (!depth)
		return;
	/* Step 1 is step 0 again, there only to make it likelier in random walks. */
	for (which = 0; which < STEPS; which++) {
		if (which == 1)
			continue;
		step(which);
		every_sequence(depth - 1);
		world = before;
	}
}

static void random_walk(u32 nslots, u32 seed, u32 length)
{
	new_world(nslots);
	srandom(seed);
	while (length--)
		step(random() % STEPS);
}

int main(int argc, char **argv)
{
	u32 depth = argc > 1 ? strtoul(argv[1], NULL, 0) : 7;
	u32 nslots;

	printf("1..2\n");
	for (nslots = GRABBER_RING_SLOTS_MIN; nslots <= 5; nslots++) {
		new_world(nslots);
		/* Full and turned over a few times, then everything that can follow. */
		for (u32 i = 0; i < 2 * nslots; i++)
			card_finishes();
		every_sequence(depth);
	}
	printf("ok 1 - every sequence of %u steps, %lu steps in all\n", depth, steps);
	for (nslots = GRABBER_RING_SLOTS_MIN; nslots <= SLOTS_MAX; nslots++)
		random_walk(nslots, nslots, 200000);
	printf("ok 2 - random walks, %lu steps in all\n", steps);
	return 0;
}
