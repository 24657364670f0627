/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands between a board (card family) and the core. A board file knows
 * registers; the core knows frames. Two calls go down, grabber_frame_done() and
 * grabber_frames_lost(); two come up, queue() and interrupt(); the rest is
 * starting, stopping and going away. docs/adding-a-card.md tells how to write one.
 */
#ifndef GRABBER_BOARD_H
#define GRABBER_BOARD_H

#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/types.h>
#include <uapi/linux/grabber.h>

#include "ring.h"

/* For card->bar: there are no registers to show. */
#define GRABBER_NO_BAR	(-2)

struct grabber_card;
struct grabber_function;
struct scatterlist;

/* What a look at the card found. */
enum grabber_look {
	GRABBER_LOOK_NONE,	/* nothing: the card had raised no interrupt */
	GRABBER_LOOK_DONE,	/* it had, and all that it has finished was seen */
	GRABBER_LOOK_MORE,	/* the same, but there is more than one look may take */
};

/* What to do about memory that a card cannot reach, or only in pieces. */
#ifdef CONFIG_X86
#define GRABBER_IOMMU_ON	"turn an IOMMU on (intel_iommu=on, amd_iommu=on)"
#else
#define GRABBER_IOMMU_ON	"have the card behind an IOMMU (see the firmware's settings)"
#endif

/**
 * struct grabber_board - a card family
 * @name: its name, for programs and the kernel log
 * @dma_bits: width of the bus addresses that the card can produce
 * @bar: PCI BAR that /dev/grabberN-bar shows, unless the bar= parameter or
 *	@probe says otherwise; -1: the first memory BAR
 * @contiguous: a slot must be one range of bus addresses; @probe may say otherwise
 * @cuts_frames: the card cuts off a frame that is longer than its slot; otherwise
 *	slots are never smaller than frames
 * @queue_max: most slots that may be queued at a time, 0: any number; @probe may say
 *	otherwise
 * @find: optional, for devices that may have several channels: look at the function,
 *	and keep what they have in common in function->board_data, in memory got with
 *	devm functions. May sleep.
 *	Return: number of channels, each of which becomes a card, 1 to
 *	GRABBER_CHANNELS_MAX; -ENODEV for a device not of this family, after saying so
 * @probe: look at the card, channel card->channel, and fill in card->format (and
 *	card->serial); grabber_format_init() does it where only programs know what frames
 *	hold. card->framing says what was asked for, and shall say what there is. May
 *	keep memory got with devm functions in card->board_data. May sleep.
 *	Return: 0; -ENODEV for a card that is not of this family, after saying so
 * @prepare: optional. Be ready to have these many slots queued at a time, of these
 *	many ranges of bus addresses at most each, and @bytes bytes. Called before the
 *	first start, and again, while capture is off, when the buffer is about to change;
 *	what was got before must then do for the old buffer too, should that stay. May
 *	sleep
 * @quiet: have the card write nothing any more, whatever state it is in; called
 *	before each start() and after a reset; its way to memory is closed, unless other
 *	channels use it. May sleep.
 *	Return: 0 when it has seen that the card does not write, and will not of
 *	itself; -EBUSY when it has not, as when the card does not answer: the core
 *	then resets it. Left out only where a program sets the card's registers
 * @start: the card is quiet, its way to memory open, and the first slots are queued:
 *	go. May sleep. Also called after a resume or a reset, so nothing in the card
 *	may be taken for granted.
 *	Return: 0 or an error; forget() follows that, and nothing else need be undone
 * @stop: end all DMA, as quiet() does, but with the way to memory still open. Frames
 *	that are under way or were never told of yet go to grabber_frames_lost() with
 *	@cause. No slot is queued any more. The card may be gone, and its registers
 *	read as all ones. May sleep.
 *	Return: as quiet(). Either way the core then closes the way to memory
 * @forget: drop all slots that were queued; capture is off. After every stop(), and
 *	after every start() that failed, whatever it came to: what is in a slot from
 *	now on is no business of the board's. card->wait.lock is held
 * @queue: the card may write this slot. card->wait.lock is held
 * @queued: only where a program sets the card's registers through the -bar node:
 *	the slot that stands at this place of the board's queue, -EAGAIN: none.
 *	card->wait.lock is held
 * @lines: how many interrupt lines there are for programs, 0 to GRABBER_IRQ_LINES:
 *	GRABBER_IOC_GET_IRQS of the uapi header
 * @let_lines: let these lines interrupt, and no others; where there are any. The lock of
 *	struct grabber_lines is held. What is left up by a line comes at once
 * @mask_lines: keep these lines back, until they are let through again; likewise. None of
 *	them holds the card's interrupt up when this returns. Left out with @lines_up
 * @lines_up: the lines that are let through and up; likewise. Left out where the board's
 *	interrupt() calls grabber_lines_came() itself
 * @interrupt: see what finished, some frames at most, for interrupts are off.
 *	card->wait.lock is held
 * @poll: the same without an interrupt: called by the watchdog, in case one was
 *	lost, and by the thread that goes on where interrupts would take too much of
 *	a processor. Optional
 * @mask: keep the card's interrupt back, or let it through again, while that thread
 *	is at work; start() lets it through, too. card->wait.lock is held. Needed
 *	where @interrupt or @poll may say GRABBER_LOOK_MORE, and a card that can
 *	finish more than some 1,000 frames a second should have it
 */
struct grabber_board {
	const char *name;
	unsigned int dma_bits;
	int bar;
	bool contiguous;
	bool cuts_frames;
	u32 queue_max;
	int (*find)(struct grabber_function *function);
	int (*probe)(struct grabber_card *card);
	int (*prepare)(struct grabber_card *card, u32 slots, u32 ranges, u32 bytes);
	int (*quiet)(struct grabber_card *card);
	int (*start)(struct grabber_card *card);
	int (*stop)(struct grabber_card *card, enum grabber_loss cause);
	void (*forget)(struct grabber_card *card);
	void (*queue)(struct grabber_card *card, u32 slot);
	int (*queued)(struct grabber_card *card, u32 place);
	u32 lines;
	void (*let_lines)(struct grabber_function *function, u32 lines);
	void (*mask_lines)(struct grabber_function *function, u32 lines);
	u32 (*lines_up)(struct grabber_function *function);
	enum grabber_look (*interrupt)(struct grabber_card *card, ktime_t when);
	enum grabber_look (*poll)(struct grabber_card *card);
	void (*mask)(struct grabber_card *card, bool mask);
};

/* Down: what a board tells the core; card->wait.lock is held (stream.c). */
void grabber_frame_done(struct grabber_card *card, u32 slot, u32 bytes,
			u32 flags, ktime_t when);
void grabber_frames_lost(struct grabber_card *card, enum grabber_loss cause, u64 frames);
void grabber_stalled(struct grabber_card *card);
void grabber_discontinuity(struct grabber_card *card);
void grabber_slot_unused(struct grabber_card *card, u32 slot);
void grabber_card_recover(struct grabber_card *card);

/* A format that programs say (format.c). */
int grabber_format_init(struct grabber_card *card);

/* What a board may ask of the PCI glue (pci.c, pci_interrupt.c). */
void __iomem *grabber_pci_map(struct grabber_function *function, int bar, size_t size);
void grabber_pci_unmap(struct grabber_function *function, int bar, void __iomem *regs);
void grabber_pci_private(struct grabber_function *function, int bar);
int grabber_pci_other_bar(struct grabber_function *function, int taken);
bool grabber_pci_mask_intx(struct grabber_card *card);
void grabber_pci_unmask_intx(struct grabber_function *function);

/* The families there are; pci.c has the table of ids. */
extern const struct grabber_board grabber_board_edu;
extern const struct grabber_board grabber_board_generic;
extern const struct grabber_board grabber_board_xdma;

#endif /* GRABBER_BOARD_H */
