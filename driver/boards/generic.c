// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any PCI card, bound by driver_override, whose registers a program sets through
 * /dev/grabberN-bar. The driver lends it slots, and takes every interrupt for the
 * completion of the next one.
 *
 * The program asks which slots come next, and for their bus addresses
 * (GRABBER_IOC_SLOT_ADDRESS). As long as nobody holds a slot, they are filled in
 * turn: 0, 1, 2 ... and 0 again. A card that writes on its own around the slots
 * cannot skip one that a reader holds.
 *
 * A line interrupt stays masked until the program has quieted its card and says so
 * (GRABBER_IOC_UNMASK_IRQ, line 0); messages need no such care.
 */
#include "card.h"

/**
 * struct generic - state of one card
 * @queue: slots lent to the card, in order; a ring
 * @head: the one that the next interrupt completes
 * @tail: next free entry
 */
struct generic {
	u16 queue[GRABBER_RING_SLOTS_MAX];
	u32 head;
	u32 tail;
};

static void generic_queue(struct grabber_card *card, u32 slot)
{
	struct generic *generic = card->board_data;

	generic->queue[generic->tail++ % GRABBER_RING_SLOTS_MAX] = slot;
}

static enum grabber_look generic_interrupt(struct grabber_card *card, ktime_t when)
{
	struct generic *generic = card->board_data;

	if (!grabber_pci_mask_intx(card))
		return GRABBER_LOOK_NONE;
	grabber_lines_came(card->function, BIT(0));
	if (!card->running)
		return GRABBER_LOOK_DONE;
	if (generic->head == generic->tail)
		grabber_frames_lost(card, GRABBER_LOSS_NO_SLOT, 1);
	else
		grabber_frame_done(card, generic->queue[generic->head++ % GRABBER_RING_SLOTS_MAX],
				   card->format.sizeimage, 0, when);
	return GRABBER_LOOK_DONE;
}

/* A message needs no mask: who raises the next one has not forgotten this one. */
static void generic_let_lines(struct grabber_function *function, u32 lines)
{
	if (lines)
		grabber_pci_unmask_intx(function);
}

static int generic_queued(struct grabber_card *card, u32 place)
{
	struct generic *generic = card->board_data;

	if (place >= generic->tail - generic->head)
		return -EAGAIN;
	return generic->queue[(generic->head + place) % GRABBER_RING_SLOTS_MAX];
}

static int generic_start(struct grabber_card *card)
{
	return 0;
}

/* Only the program knows how to stop its card, and whether it has. */
static int generic_stop(struct grabber_card *card, enum grabber_loss cause)
{
	return -EBUSY;
}

static void generic_forget(struct grabber_card *card)
{
	struct generic *generic = card->board_data;

	generic->head = 0;
	generic->tail = 0;
}

static int generic_probe(struct grabber_card *card)
{
	card->board_data = devm_kzalloc(card->dev, sizeof(struct generic), GFP_KERNEL);
	if (!card->board_data)
		return -ENOMEM;
	card->framing = GRABBER_FRAMING_CARD;
	return grabber_format_init(card);
}

const struct grabber_board grabber_board_generic = {
	.name = "generic",
	.dma_bits = 64,
	.bar = -1,
	.contiguous = true,
	.probe = generic_probe,
	.start = generic_start,
	.stop = generic_stop,
	.forget = generic_forget,
	.queue = generic_queue,
	.queued = generic_queued,
	.lines = 1,
	.let_lines = generic_let_lines,
	.interrupt = generic_interrupt,
};
