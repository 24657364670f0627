/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The function: what the cards of one PCI function have in common. A function is a
 * device on its bus, with one way to memory, one reset and one set of registers. It
 * may have several DMA channels, and each of them is a card of its own (card.h).
 *
 * What the bus does, it does to the function: removal, suspend, errors and resets go
 * to all of its cards. What a card does is no matter of the others: dma.c sees to it
 * that the way to memory is closed, and the function reset, only where none of them
 * captures.
 */
#ifndef GRABBER_FUNCTION_H
#define GRABBER_FUNCTION_H

#include <linux/device.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "bars.h"
#include "lines.h"

struct grabber_board;
struct grabber_card;
struct grabber_settings_of;

#define GRABBER_CHANNELS_MAX	4

/**
 * struct grabber_bus - what the core asks of the bus that a function is on
 * @present: whether it still answers
 * @recovering: the bus itself is about to bring it back after an error
 * @master: let it write to memory, or keep it from that; only dma.c decides.
 *	Once it is kept from it, what it wrote before has arrived
 * @reset: put it back into the state after power-on, with the bus's settings as
 *	they are; takes up to a second. @locked: the caller has the device's lock.
 *	Return: 0; -EAGAIN: somebody else has that lock; another error: it cannot be done
 */
struct grabber_bus {
	bool (*present)(struct device *dev);
	bool (*recovering)(struct device *dev);
	void (*master)(struct device *dev, bool allow);
	int (*reset)(struct device *dev, bool locked);
};

/* Why capture is paused; one bit each, for they may overlap. */
enum grabber_pause {
	GRABBER_PAUSE_SUSPEND	= 0x1,
	GRABBER_PAUSE_RESET	= 0x2,
	GRABBER_PAUSE_ERROR	= 0x4,
};

/**
 * struct grabber_function - one function of a device, and its cards
 * @ref: the bus glue, and each card
 * @dev: the device on its bus; referenced
 * @bus: how to ask the bus something about @dev
 * @bus_data: what the bus glue keeps
 * @board: its family
 * @board_data: what the board keeps of all channels together
 * @bars: its memory BARs
 * @lines: interrupts of its user logic
 * @channels: channels that it has
 * @cards: a card for each of these, referenced
 * @ncards: how many these are; all, before the first of them is registered
 * @vectors: interrupts that it has; with fewer than channels all share the first, and so
 *	do @lines, but where there is one more than channels
 * @messages: these are messages (MSI, MSI-X), which need the way to memory, too
 * @asked: somebody asked for this device to be bound to this driver
 * @streams: an XDMA core's streams are wanted as they are, where it has no video source
 * @framing: GRABBER_FRAMING_* that was asked for, for channels that have none of their own
 * @settings: what a person wants of it; while it is bound
 * @absent: it did not answer, and the log says so
 * @command_lock: who changes the function's command register: bus mastering and the mask
 *	of the line interrupt are bits of it. Taken last
 * @mutex: the way to memory, see dma.c: @open, @next_reset and each card's @unquiet
 * @open: a bit for each card that needs the way to memory, see dma.c
 * @next_reset: earliest time of the next reset, in jiffies
 */
struct grabber_function {
	struct kref ref;
	struct device *dev;
	const struct grabber_bus *bus;
	void *bus_data;
	const struct grabber_board *board;
	void *board_data;
	struct grabber_bars bars;
	struct grabber_lines lines;
	u32 channels;
	struct grabber_card *cards[GRABBER_CHANNELS_MAX];
	u32 ncards;
	u32 vectors;
	bool messages;
	bool asked;
	bool streams;
	u32 framing;
	const struct grabber_settings_of *settings;
	atomic_t absent;
	spinlock_t command_lock; /* the command register */
	struct mutex mutex; /* the way to memory */
	u32 open;
	unsigned long next_reset;
};

/* function.c */
struct grabber_function *grabber_function_create(struct device *dev,
						 const struct grabber_board *board,
						 const struct grabber_bus *bus);
int grabber_function_add_cards(struct grabber_function *function, u32 channels);
void grabber_function_release(struct grabber_function *function);
void grabber_function_put(struct grabber_function *function);
void grabber_function_gone(struct grabber_function *function);
void grabber_function_absent(struct grabber_function *function);
void grabber_function_remove(struct grabber_function *function);
void grabber_function_pause(struct grabber_function *function, enum grabber_pause why);
void grabber_function_resume(struct grabber_function *function, u32 why);
void grabber_function_broke(struct grabber_function *function, const char *how);

/* Which of the function's interrupts a channel raises. */
static inline u32 grabber_vector(const struct grabber_function *function, u32 channel)
{
	return function->vectors < function->channels ? 0 : channel;
}

/* Which the lines of its user logic raise: one of their own, or the first. */
static inline u32 grabber_lines_vector(const struct grabber_function *function)
{
	return function->vectors > function->channels ? function->channels : 0;
}

#endif /* GRABBER_FUNCTION_H */
