// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's teaching device (1234:11e8), as a frame grabber without a camera.
 *
 * Registers: QEMU's docs/specs/edu.rst. The device has 4 KiB of its own memory and
 * one DMA engine that copies between it and the host, some 100 ms a time. So a
 * frame is drawn here, and then goes through the device piece by piece: into its
 * memory, and out of it into the slot. Every byte of a frame has crossed the bus
 * twice, by four transfers with an interrupt each.
 *
 * Pixel (x, y) of frame n has the value (x ^ y) + n, modulo 256.
 */
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/videodev2.h>

#include "card.h"

#define EDU_ID			0x00
#define EDU_ID_MAGIC		0x010000ed
#define EDU_IRQ_STATUS		0x24
#define EDU_IRQ_ACK		0x64
#define EDU_DMA_FROM		0x80	/* 64 bits, as the next two */
#define EDU_DMA_TO		0x88
#define EDU_DMA_BYTES		0x90
#define EDU_DMA_COMMAND		0x98
#define EDU_DMA_START		0x1
#define EDU_DMA_TO_HOST		0x2
#define EDU_DMA_INTERRUPT	0x4
#define EDU_IRQ_DMA		0x100

#define EDU_MEMORY		0x40000	/* its own memory, as its engine sees it */
#define WIDTH			96
#define HEIGHT			64
/* Well below the 4 KiB, for QEMU up to 8 aborts at a transfer of just 4096. */
#define PIECE			(WIDTH * HEIGHT / 2)
#define PIECES			2
#define SLOTS_MAX		GRABBER_RING_SLOTS_MAX

/**
 * struct edu - state of one device
 * @regs: BAR 0
 * @drawn: the piece that goes into the device next
 * @drawn_bus: its bus address
 * @queue: slots to be filled, in order; a ring of SLOTS_MAX entries
 * @head: next to be filled
 * @tail: next free entry of @queue
 * @started: capture is on
 * @busy: a transfer is under way
 * @to_host: it is the one into the slot
 * @in_frame: a frame was begun and is not done
 * @piece: piece of the frame that is under way
 * @frame: number of the frame
 */
struct edu {
	void __iomem *regs;
	u8 *drawn;
	dma_addr_t drawn_bus;
	u16 queue[SLOTS_MAX];
	u32 head;
	u32 tail;
	bool started;
	bool busy;
	bool to_host;
	bool in_frame;
	u32 piece;
	u32 frame;
};

static void transfer(struct edu *edu, u64 from, u64 to, u32 command)
{
	void __iomem *regs = edu->regs;

	edu->busy = true;
	edu->to_host = command & EDU_DMA_TO_HOST;
	/* The device takes its 64-bit registers in one access only where the
	 * processor has one; the upper halves are 0, for its addresses have 28 bits.
	 */
	writel(from, regs + EDU_DMA_FROM);
	writel(to, regs + EDU_DMA_TO);
	writel(PIECE, regs + EDU_DMA_BYTES);
	writel(command | EDU_DMA_START | EDU_DMA_INTERRUPT, regs + EDU_DMA_COMMAND);
}

/* While the device is busy with something else: the interrupt has no time for it. */
static void draw_piece(struct edu *edu, u32 frame, u32 piece)
{
	u32 i;

	for (i = 0; i < PIECE; i++) {
		u32 pixel = piece * PIECE + i;

		edu->drawn[i] = ((pixel % WIDTH) ^ (pixel / WIDTH)) + frame;
	}
}

static void send_piece(struct edu *edu)
{
	edu->in_frame = true;
	transfer(edu, edu->drawn_bus, EDU_MEMORY, 0);
}

/* Bus address of the piece in its slot. One sum does, for slots are contiguous. */
static u64 piece_address(struct grabber_card *card, struct edu *edu)
{
	u32 slot = edu->queue[edu->head % SLOTS_MAX];

	return sg_dma_address(card->buffer.slots[slot].sgt.sgl) + edu->piece * PIECE;
}

/* The drawn piece is in the device: on to the slot with it, and draw the next one. */
static void fetch_piece(struct grabber_card *card, struct edu *edu)
{
	bool last = edu->piece + 1 == PIECES;

	transfer(edu, EDU_MEMORY, piece_address(card, edu), EDU_DMA_TO_HOST);
	draw_piece(edu, edu->frame + last, last ? 0 : edu->piece + 1);
}

static void next_step(struct grabber_card *card, struct edu *edu, ktime_t when)
{
	edu->busy = false;
	if (!edu->started)
		return;
	if (!edu->to_host) {
		fetch_piece(card, edu);
		return;
	}
	if (++edu->piece == PIECES) {
		u32 slot = edu->queue[edu->head++ % SLOTS_MAX];

		edu->piece = 0;
		edu->frame++;
		edu->in_frame = false;
		grabber_frame_done(card, slot, PIECE * PIECES, 0, when);
	}
	/* The core may just have queued a slot, and that started the device. */
	if (!edu->busy && edu->head != edu->tail)
		send_piece(edu);
}

static enum grabber_look edu_interrupt(struct grabber_card *card, ktime_t when)
{
	struct edu *edu = card->board_data;
	u32 status = readl(edu->regs + EDU_IRQ_STATUS);

	if (!status || status == ~0U)
		return GRABBER_LOOK_NONE;
	writel(status, edu->regs + EDU_IRQ_ACK);
	/* With another cause beside it, the transfer may have ended after @when. */
	if ((status & EDU_IRQ_DMA) && edu->busy)
		next_step(card, edu, status == EDU_IRQ_DMA ? when : 0);
	return GRABBER_LOOK_DONE;
}

static enum grabber_look edu_poll(struct grabber_card *card)
{
	return edu_interrupt(card, 0);
}

static void edu_queue(struct grabber_card *card, u32 slot)
{
	struct edu *edu = card->board_data;

	edu->queue[edu->tail++ % SLOTS_MAX] = slot;
	if (edu->started && !edu->in_frame)
		send_piece(edu);
}

static void edu_forget(struct grabber_card *card)
{
	struct edu *edu = card->board_data;

	edu->started = false;
	edu->busy = false;
	edu->in_frame = false;
	edu->piece = 0;
	edu->head = 0;
	edu->tail = 0;
}

static bool is_edu(struct edu *edu)
{
	return readl(edu->regs + EDU_ID) == EDU_ID_MAGIC;
}

/* The engine cannot be stopped, only waited for. */
static int edu_quiet(struct grabber_card *card)
{
	struct edu *edu = card->board_data;
	u32 command;
	int err = readl_poll_timeout(edu->regs + EDU_DMA_COMMAND, command,
				     command == ~0U || !(command & EDU_DMA_START),
				     1000, 1000000);

	/* Of a card that does not answer nothing is known. */
	return err || !is_edu(edu) ? -EBUSY : 0;
}

/* The last transfer's interrupt must not be taken for the next one's. */
static void clear_interrupt(struct edu *edu)
{
	writel(readl(edu->regs + EDU_IRQ_STATUS), edu->regs + EDU_IRQ_ACK);
}

static int edu_start(struct grabber_card *card)
{
	struct edu *edu = card->board_data;

	if (!is_edu(edu))
		return -ENODEV;
	spin_lock_irq(&card->wait.lock);
	clear_interrupt(edu);
	edu->started = true;
	draw_piece(edu, edu->frame, 0);
	if (edu->head != edu->tail)
		send_piece(edu);
	spin_unlock_irq(&card->wait.lock);
	return 0;
}

static int edu_stop(struct grabber_card *card, enum grabber_loss cause)
{
	struct edu *edu = card->board_data;
	int err;

	/* From here on no transfer follows the one that is under way. */
	spin_lock_irq(&card->wait.lock);
	edu->started = false;
	spin_unlock_irq(&card->wait.lock);
	err = edu_quiet(card);

	spin_lock_irq(&card->wait.lock);
	clear_interrupt(edu);
	if (edu->in_frame) {
		grabber_frames_lost(card, cause, 1);
		edu->frame++;
	}
	spin_unlock_irq(&card->wait.lock);
	return err;
}

static int edu_probe(struct grabber_card *card)
{
	struct edu *edu = devm_kzalloc(card->dev, sizeof(*edu), GFP_KERNEL);

	if (!edu)
		return -ENOMEM;
	edu->regs = grabber_pci_map(card->function, 0, EDU_DMA_COMMAND + 8);
	if (PTR_ERR_OR_ZERO(edu->regs) == -ENOMEM)
		return -ENOMEM;
	if (IS_ERR(edu->regs) || !is_edu(edu)) {
		dev_err(card->dev, "this is not QEMU's edu device: left alone\n");
		return -ENODEV;
	}
	edu->drawn = dmam_alloc_coherent(card->dev, PIECE, &edu->drawn_bus, GFP_KERNEL);
	if (!edu->drawn) {
		dev_err(card->dev, "no memory within the device's 28 address bits\n");
		return -ENOMEM;
	}
	card->board_data = edu;
	card->framing = GRABBER_FRAMING_CARD;
	card->format = (struct grabber_format) {
		.width = WIDTH,
		.height = HEIGHT,
		.pixelformat = V4L2_PIX_FMT_GREY,
		.bytesperline = WIDTH,
		.sizeimage = WIDTH * HEIGHT,
	};
	return 0;
}

const struct grabber_board grabber_board_edu = {
	.name = "edu",
	.dma_bits = 28,
	.bar = 0,
	.contiguous = true,
	.probe = edu_probe,
	.quiet = edu_quiet,
	.start = edu_start,
	.stop = edu_stop,
	.forget = edu_forget,
	.queue = edu_queue,
	.interrupt = edu_interrupt,
	.poll = edu_poll,
};
