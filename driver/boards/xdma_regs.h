/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of Xilinx's DMA/Bridge Subsystem for PCI Express in DMA mode ("XDMA"),
 * as far as C2H AXI4-Stream channels need them. Source: PG195, tables of the PCIe DMA
 * register space; offsets are from the start of the core's BAR, but for those of a
 * channel, which are from the start of the channel's block.
 */
#ifndef GRABBER_XDMA_REGS_H
#define GRABBER_XDMA_REGS_H

#include <linux/bits.h>
#include <linux/types.h>

#define XDMA_BAR_SIZE		0x7000	/* of the BAR, what is used here */
#define XDMA_CHANNELS_MAX	4
#define XDMA_CHANNEL_SPACING	0x100

/* Each block begins with an identifier: 0x1fc, block, stream bit, channel, version. */
#define XDMA_ID_BLOCK_MASK	0xffff0000
#define XDMA_ID_H2C		0x1fc00000
#define XDMA_ID_C2H		0x1fc10000
#define XDMA_ID_IRQ		0x1fc20000
#define XDMA_ID_CONFIG		0x1fc30000
#define XDMA_ID_STREAM		BIT(15)

#define XDMA_H2C		0x0000
#define XDMA_C2H		0x1000
#define XDMA_IRQ		0x2000
#define XDMA_CONFIG		0x3000
#define XDMA_C2H_SGDMA		0x5000
#define XDMA_SGDMA_COMMON	0x6000

/* C2H channel n: from XDMA_C2H + n * XDMA_CHANNEL_SPACING on */
#define XDMA_C2H_CONTROL	0x04
#define XDMA_C2H_CONTROL_W1C	0x0c
#define XDMA_CONTROL_RUN	BIT(0)
#define XDMA_C2H_STATUS		0x40
#define XDMA_C2H_STATUS_RC	0x44	/* reading clears it */
#define XDMA_C2H_INT_ENABLE	0x90
#define XDMA_STATUS_BUSY	BIT(0)
#define XDMA_STATUS_COMPLETED	BIT(2)
#define XDMA_STATUS_ALIGNMENT	BIT(3)
#define XDMA_STATUS_MAGIC	BIT(4)
#define XDMA_STATUS_LENGTH	BIT(5)
#define XDMA_STATUS_READ_ERROR	GENMASK(13, 9)
#define XDMA_STATUS_DESC_ERROR	GENMASK(23, 19)
#define XDMA_STATUS_ERRORS	(XDMA_STATUS_ALIGNMENT | XDMA_STATUS_MAGIC | \
				 XDMA_STATUS_LENGTH | XDMA_STATUS_READ_ERROR | \
				 XDMA_STATUS_DESC_ERROR)
/* The bits of Control and of Interrupt Enable that let a status bit interrupt have
 * the same places as in Status.
 */
#define XDMA_INTERRUPTS		(XDMA_STATUS_COMPLETED | XDMA_STATUS_ERRORS)

/* Interrupt block. Its channel bits are numbered through: first all H2C, then C2H. */
#define XDMA_IRQ_USER_ENABLE	(XDMA_IRQ + 0x04)
#define XDMA_IRQ_USER_W1C	(XDMA_IRQ + 0x0c)
#define XDMA_IRQ_CHANNEL_ENABLE	(XDMA_IRQ + 0x10)
#define XDMA_IRQ_CHANNEL_W1S	(XDMA_IRQ + 0x14)
#define XDMA_IRQ_CHANNEL_W1C	(XDMA_IRQ + 0x18)
#define XDMA_IRQ_USER_REQUEST	(XDMA_IRQ + 0x40)	/* lines that are up and enabled */
#define XDMA_IRQ_USER_VECTOR	(XDMA_IRQ + 0x80)	/* a byte a line, 16 of them */
#define XDMA_IRQ_CHANNEL_VECTOR	(XDMA_IRQ + 0xa0)	/* a byte a channel */
#define XDMA_VECTOR_WORDS	2

/* Its descriptor fetch, from XDMA_C2H_SGDMA + n * XDMA_CHANNEL_SPACING on. Credits: the
 * engine takes one descriptor for each it was given, and gets at most 10 bits' worth.
 */
#define XDMA_C2H_DESC_LOW	0x80
#define XDMA_C2H_DESC_HIGH	0x84
#define XDMA_C2H_DESC_ADJACENT	0x88
#define XDMA_C2H_CREDITS	0x8c
#define XDMA_CREDITS_MAX	1023
#define XDMA_CREDIT_MODE_SET	(XDMA_SGDMA_COMMON + 0x24)
#define XDMA_CREDIT_MODE_CLEAR	(XDMA_SGDMA_COMMON + 0x28)
#define XDMA_CREDIT_MODE_C2H(n)	BIT(16 + (n))

/**
 * struct xdma_descriptor - one contiguous piece of host memory
 * @control: XDMA_DESC_* bits
 * @bytes: its length, 28 bits
 * @source: AXI4-Stream has no address; the address of the write-back instead
 * @destination: bus address of the piece
 * @next: bus address of the next descriptor
 */
struct xdma_descriptor {
	__le32 control;
	__le32 bytes;
	__le64 source;
	__le64 destination;
	__le64 next;
};

/* PG195: unless the packet ends in it, a C2H stream descriptor has whole units. */
#define XDMA_LENGTH_UNIT	64
#define XDMA_DESC_MAGIC		0xad4b0000
#define XDMA_DESC_COMPLETED	BIT(1)	/* interrupt when it is done */

/**
 * struct xdma_writeback - what the core says of a descriptor it has finished
 * @status: XDMA_WRITEBACK_* bits
 * @length: bytes written
 * @reserved: keeps each in a place of its own, as Xilinx's driver does
 */
struct xdma_writeback {
	__le32 status;
	__le32 length;
	__le32 reserved[6];
};

#define XDMA_WRITEBACK_MASK	0xffff0000
#define XDMA_WRITEBACK_MAGIC	0x52b40000
#define XDMA_WRITEBACK_EOP	BIT(0)	/* the packet ended in this descriptor */

#endif /* GRABBER_XDMA_REGS_H */
