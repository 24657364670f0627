/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers and descriptors of the XDMA core, named as in Xilinx's product
 * guide PG195. The low 16 bits of a register's address are: 4 bits target
 * block, 4 bits channel, 8 bits offset in the channel's block.
 */
#ifndef CARD_XDMA_REGS_H
#define CARD_XDMA_REGS_H

#define XDMA_BLOCK_H2C		0x0
#define XDMA_BLOCK_C2H		0x1
#define XDMA_BLOCK_IRQ		0x2
#define XDMA_BLOCK_CONFIG	0x3
#define XDMA_BLOCK_H2C_SGDMA	0x4
#define XDMA_BLOCK_C2H_SGDMA	0x5
#define XDMA_BLOCK_SGDMA_COMMON	0x6
#define XDMA_BLOCK_MSIX		0x8

#define XDMA_CHANNELS_MAX	4
#define XDMA_CHANNEL_SPACING	0x100

/* Identifier, offset 0 of each block: 0x1fc, block, stream, channel, version */
#define XDMA_ID(block)		(0x1fc00000u | (uint32_t)(block) << 16)
#define XDMA_ID_CHANNEL(n)	((uint32_t)(n) << 8)
#define XDMA_ID_STREAM		(1u << 15)
#define XDMA_ID_VERSION		0x06	/* Vivado 2017.1 and later */

/* Channel block */
#define XDMA_CONTROL		0x04
#define XDMA_CONTROL_W1S	0x08
#define XDMA_CONTROL_W1C	0x0c
#define XDMA_STATUS		0x40
#define XDMA_STATUS_RC		0x44
#define XDMA_COMPLETED		0x48
#define XDMA_ALIGNMENTS		0x4c
#define XDMA_POLL_WB_LO		0x88
#define XDMA_POLL_WB_HI		0x8c
#define XDMA_INT_ENABLE		0x90
#define XDMA_INT_ENABLE_W1S	0x94
#define XDMA_INT_ENABLE_W1C	0x98

/* Control: bits 1 to 23 let the status bit of the same number be logged */
#define XDMA_CONTROL_RUN	(1u << 0)
#define XDMA_CONTROL_POLL_WB	(1u << 26)
#define XDMA_CONTROL_NO_WB	(1u << 27)
#define XDMA_CONTROL_WRITABLE	0x0ef83e7fu

#define XDMA_STATUS_BUSY		(1u << 0)
#define XDMA_STATUS_STOPPED		(1u << 1)
#define XDMA_STATUS_COMPLETED		(1u << 2)
#define XDMA_STATUS_ALIGN_MISMATCH	(1u << 3)
#define XDMA_STATUS_MAGIC_STOPPED	(1u << 4)
#define XDMA_STATUS_INVALID_LENGTH	(1u << 5)
#define XDMA_STATUS_IDLE_STOPPED	(1u << 6)
#define XDMA_STATUS_READ_UNSUPPORTED	(1u << 9)	/* H2C */
#define XDMA_STATUS_READ_SLAVE		(1u << 10)	/* C2H */
#define XDMA_STATUS_DESC_UNSUPPORTED	(1u << 19)
#define XDMA_STATUS_EVENTS		0x00f83e7eu

/* Address alignment 1, length granularity 1, 64 address bits */
#define XDMA_ALIGNMENTS_VALUE	0x00010140u
/* A C2H stream descriptor's length is a multiple of this */
#define XDMA_STREAM_GRANULE	64

/* SGDMA block of a channel */
#define XDMA_DESC_LO		0x80
#define XDMA_DESC_HI		0x84
#define XDMA_DESC_ADJ		0x88
#define XDMA_DESC_CREDITS	0x8c
#define XDMA_CREDITS_MAX	0x3ffu

/* SGDMA common block: bits 3:0 are the H2C channels, 19:16 the C2H channels */
#define XDMA_COMMON_H2C_0	(1u << 0)
#define XDMA_COMMON_C2H_0	(1u << 16)
#define XDMA_HALT		0x10
#define XDMA_HALT_W1S		0x14
#define XDMA_HALT_W1C		0x18
#define XDMA_CREDIT_MODE	0x20
#define XDMA_CREDIT_MODE_W1S	0x24
#define XDMA_CREDIT_MODE_W1C	0x28
#define XDMA_COMMON_CHANNELS	0x000f000fu

/* IRQ block */
#define XDMA_USER_INT_ENABLE		0x04
#define XDMA_USER_INT_ENABLE_W1S	0x08
#define XDMA_USER_INT_ENABLE_W1C	0x0c
#define XDMA_CHANNEL_INT_ENABLE		0x10
#define XDMA_CHANNEL_INT_ENABLE_W1S	0x14
#define XDMA_CHANNEL_INT_ENABLE_W1C	0x18
#define XDMA_USER_INT_REQUEST		0x40
#define XDMA_CHANNEL_INT_REQUEST	0x44
#define XDMA_USER_INT_PENDING		0x48
#define XDMA_CHANNEL_INT_PENDING	0x4c
#define XDMA_USER_VECTOR		0x80	/* 4 registers of 4 numbers */
#define XDMA_CHANNEL_VECTOR		0xa0	/* 2 registers of 4 numbers */
#define XDMA_USER_INTS			16

/* Config block */
#define XDMA_CONFIG_MPS		0x08
#define XDMA_CONFIG_MRRS	0x0c
#define XDMA_CONFIG_SYSTEM_ID	0x10
#define XDMA_CONFIG_MSI		0x14
#define XDMA_CONFIG_WIDTH	0x18
#define XDMA_CONFIG_PCIE	0x1c
#define XDMA_CONFIG_USER_MPS	0x40
#define XDMA_CONFIG_USER_MRRS	0x44
#define XDMA_CONFIG_FLUSH	0x60

/* MSI-X table and pending bits, in the same BAR */
#define XDMA_MSIX_TABLE		0x8000
#define XDMA_MSIX_PBA		0x8fe0
#define XDMA_MSIX_VECTORS	32

struct xdma_descriptor {
	uint32_t control;
	uint32_t length;
	uint64_t src;
	uint64_t dst;
	uint64_t next;
};

#define XDMA_DESC_MAGIC		0xad4bu		/* control 31:16 */
#define XDMA_DESC_ADJACENT(c)	((c) >> 8 & 0x3f)
#define XDMA_DESC_EOP		(1u << 4)	/* H2C only */
#define XDMA_DESC_COMPLETED	(1u << 1)
#define XDMA_DESC_STOP		(1u << 0)
#define XDMA_DESC_LENGTH	0x0fffffffu

/* What the core writes to a C2H stream descriptor's src address */
struct xdma_writeback {
	uint32_t status;
	uint32_t length;
};

#define XDMA_WRITEBACK_MAGIC	0x52b40000u
#define XDMA_WRITEBACK_EOP	(1u << 0)

#define XDMA_POLL_WB_ERROR	(1u << 31)
#define XDMA_POLL_WB_COUNT	0x00ffffffu

#endif
