/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of the grabber video source: the small block of user logic that
 * sits beside the XDMA core in an FPGA, on the core's AXI4-Lite master, and
 * feeds one of its AXI4-Stream C2H channels with one packet a frame.
 *
 * It is grabber's own definition, 32-bit registers, little-endian, at offset 0
 * of the BAR that the core forwards to AXI4-Lite; where a card has several, that of
 * channel n is at n * VS_SPACING. docs/adding-a-card.md has the
 * table in words. A 64-bit counter is read low half first: that read latches
 * the high half.
 */
#ifndef GRABBER_VIDEO_SOURCE_H
#define GRABBER_VIDEO_SOURCE_H

#define VS_SPACING		0x1000
#define VS_SIZE			0x800	/* of it, bytes that have registers */

#define VS_ID			0x000	/* RO VS_ID_MAGIC */
#define VS_ID_MAGIC		0x47524231	/* "GRB1" */
#define VS_VERSION		0x004	/* RO major << 16 | minor */
#define VS_CONTROL		0x008	/* RW */
#define VS_CONTROL_RUN		0x1	/* make frames; 1 restarts the LOG at 0 */
#define VS_STATUS		0x00c	/* RO */
#define VS_STATUS_RUNNING	0x1
#define VS_STATUS_SIGNAL	0x2	/* from VS_VERSION 1.1 on: there is video */
#define VS_STATUS_LOCK		0x4	/* and its last frame was of the format below */
#define VS_WIDTH		0x010	/* RO pixels a line */
#define VS_HEIGHT		0x014	/* RO lines a frame */
#define VS_PIXELFORMAT		0x018	/* RO V4L2 FourCC */
#define VS_BYTESPERLINE		0x01c	/* RO */
#define VS_SIZEIMAGE		0x020	/* RO bytes a frame */
#define VS_RATE			0x024	/* RW frames in 1000 s; 0: as fast as taken */
/* RO, 64 bits each, since power-on: frames begun, and of these: given to the stream
 * whole, dropped because the stream took none in time, cut off because RUN went 0 or
 * the engine stopped.
 */
#define VS_BEGUN		0x028
#define VS_SENT			0x030
#define VS_OVERRUN		0x038
#define VS_ABORTED		0x040
#define VS_SERIAL		0x048	/* RO 64 bits: serial number, 0 for none */

/* From VS_VERSION 1.1 on; 0 before. The format may change then, while it runs too. */
#define VS_VERSION_FORMATS	0x00010001
#define VS_CUT			0x050	/* RO 64 bits: ended early, stream held back */
#define VS_BROKEN		0x058	/* RO 64 bits: ended early, input not as it should */
#define VS_FORMAT		0x060	/* RO number of the format, 16 bits: changes with it */
#define VS_INPUT		0x064	/* RO the input's last frame: lines << 16 | pixels */
#define VS_PERIOD		0x068	/* RO clocks between the last two frames' starts */
#define VS_CLOCK		0x06c	/* RO of these in a second */
#define VS_LOG_COUNT		0x070	/* RO entries of the log */

/*
 * What each packet was: a ring of VS_LOG_ENTRIES. Entry n % VS_LOG_ENTRIES
 * tells of packet n, counted from 0 at each write of VS_CONTROL_RUN, and is
 * valid once that packet's end has passed.
 */
#define VS_LOG			0x400
#define VS_LOG_ENTRIES		64
#define VS_LOG_ENTRY_SIZE	16
#define VS_LOG_SEQUENCE		0x0	/* RO 64 bits: VS_BEGUN before this frame: 0, 1, 2 ... */
#define VS_LOG_BYTES		0x8	/* RO bytes of the packet */
#define VS_LOG_FLAGS		0xc	/* RO zero before VS_VERSION 1.1; VS_FORMAT << 16, and: */
#define VS_LOG_CUT		0x1	/* it is one of VS_CUT */
#define VS_LOG_BROKEN		0x2	/* of VS_BROKEN */
#define VS_LOG_ABORTED		0x4	/* of VS_ABORTED */

#endif /* GRABBER_VIDEO_SOURCE_H */
