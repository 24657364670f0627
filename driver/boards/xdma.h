/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Board xdma: what its files share. xdma_find.c looks for the core and its channels,
 * xdma.c starts and stops a channel, xdma_ring.c has the descriptors going round,
 * xdma_count.c the numbers of frames.
 */
#ifndef GRABBER_XDMA_H
#define GRABBER_XDMA_H

#include <linux/io.h>

#include "boards/video_source.h"
#include "boards/xdma_regs.h"
#include "card.h"

/**
 * struct xdma_device - what the channels of a core have in common
 * @core: registers of the core
 * @sources: registers of each channel's video source, NULL where it has none
 * @bar: the BAR that has them, or other user logic; GRABBER_NO_BAR: there is none
 * @h2c: number of H2C channels, which come first in the interrupt block
 */
struct xdma_device {
	void __iomem *core;
	void __iomem *sources[XDMA_CHANNELS_MAX];
	int bar;
	u32 h2c;
};

/**
 * struct xdma_range - what a descriptor stands for
 * @slot: its slot
 * @last: it is the last of the slot
 * @tells: an interrupt comes when it is done
 */
struct xdma_range {
	u16 slot;
	bool last;
	bool tells;
};

/**
 * struct xdma_ring - memory that the engine runs round in
 * @descriptors: the ring, @count of them
 * @descriptors_bus: its bus address
 * @writebacks: one for each descriptor
 * @writebacks_bus: their bus address
 * @ranges: one for each descriptor
 * @count: a power of two
 */
struct xdma_ring {
	struct xdma_descriptor *descriptors;
	dma_addr_t descriptors_bus;
	struct xdma_writeback *writebacks;
	dma_addr_t writebacks_bus;
	struct xdma_range *ranges;
	u32 count;
};

/**
 * struct xdma - state of one channel
 * @core: registers of the core
 * @c2h: of these, the channel's
 * @sgdma: and those of its descriptor fetch
 * @source: registers of the video source; NULL: a stream as it is, see card->framing
 * @channel_bit: our bit in the interrupt block
 * @ring: the descriptors
 * @head: oldest descriptor that is not finished; counts without end, as the next two
 * @tail: next one to be filled
 * @credited: next one that the engine has no credit for
 * @started: the engine is on
 * @fed: it got its first slots
 * @overdue: it was told to stop, had its time for that, and goes on
 * @stopping: the source was told to stop: a packet that is too short now was cut off
 * @cause: why it was told so
 * @askew: frames do not begin with slots any more, or the engine failed
 * @errors: status bits of an engine error that is not dealt with yet
 * @ahead: the last look may have seen what the next interrupt is for
 * @surplus: the current packet was longer than its slot
 * @slot: slot of the current packet
 * @bytes: bytes of it so far
 * @packets: packets since the start; names the place in the source's log
 * @number: what the source's log should say of the next packet
 * @last_number: what it said of the last one
 * @counted: of the source's count of frames begun, those that are accounted for
 * @overruns: of its count of overruns, the same
 * @doubted: its numbers made no sense since the start, and the log says so
 * @holed: packets ended in the middle of slots that were to be filled, and it says so
 */
struct xdma {
	void __iomem *core;
	void __iomem *c2h;
	void __iomem *sgdma;
	void __iomem *source;
	u32 channel_bit;
	struct xdma_ring ring;
	u32 head;
	u32 tail;
	u32 credited;
	bool started;
	bool fed;
	bool overdue;
	bool stopping;
	enum grabber_loss cause;
	bool askew;
	u32 errors;
	bool ahead;
	bool surplus;
	u32 slot;
	u32 bytes;
	u32 packets;
	u64 number;
	u32 last_number;
	u64 counted;
	u64 overruns;
	bool doubted;
	bool holed;
};

static inline bool xdma_is_source(void __iomem *regs)
{
	return readl(regs + VS_ID) == VS_ID_MAGIC;
}

/* xdma_find.c */
bool xdma_is_block(void __iomem *block, u32 id);
int xdma_find(struct grabber_function *function);
int xdma_probe(struct grabber_card *card);

/* xdma.c */
int xdma_quiet(struct grabber_card *card);

/* xdma_ring.c; card->wait.lock is held */
void xdma_give_credits(struct grabber_card *card);
u32 xdma_piece(const struct grabber_card *card, u32 slot_size);
void xdma_rest(struct grabber_card *card, enum grabber_loss cause);
void xdma_queue(struct grabber_card *card, u32 slot);
bool xdma_reap(struct grabber_card *card, ktime_t when);
enum grabber_look xdma_interrupt(struct grabber_card *card, ktime_t when);
enum grabber_look xdma_poll(struct grabber_card *card);
void xdma_mask(struct grabber_card *card, bool mask);

/* xdma_count.c; card->wait.lock is held, but in probe */
bool xdma_read_counter(struct xdma *xdma, u32 offset, u64 *value);
void xdma_count_first(struct xdma *xdma);
void xdma_count_start(struct grabber_card *card);
bool xdma_count_packet(struct grabber_card *card, bool sure);
void xdma_count_stop(struct grabber_card *card, enum grabber_loss cause);

#endif /* GRABBER_XDMA_H */
