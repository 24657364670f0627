/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults that the card can be told to have. FOR TESTS ONLY: no real card has
 * these registers, and no driver may know of them. A test on the host says them
 * through the control socket (README.md has the words), a test in the guest
 * writes the registers below, in the video source's BAR above its own. Those of
 * channel n are FAULT_SPACING * n further on; what is the card's is in each of them.
 */
#ifndef CARD_FAULTS_H
#define CARD_FAULTS_H

#define FAULT_SPACING		0x1000
#define FAULT_BASE		0x800
#define FAULT_ID		0x800	/* RO FAULT_ID_MAGIC */
#define FAULT_ID_MAGIC		0x544c4146	/* "FALT" */
#define FAULT_LOSE_INTERRUPTS	0x804	/* RW the next so many interrupts are swallowed */
#define FAULT_STUCK		0x808	/* RW the engine takes no data: FAULT_STUCK_* */
#define FAULT_STUCK_STOP	1	/* until it is stopped or reset */
#define FAULT_STUCK_BUSY	2	/* it stays busy when it is stopped, until it is reset; it
					 * goes on at its old descriptors when bus mastering, or
					 * RUN, is off and on again
					 */
#define FAULT_STUCK_EVER	3	/* likewise, and no reset helps */
#define FAULT_LENGTH_FRAMES	0x80c	/* RW the next so many packets have a wrong length */
#define FAULT_LENGTH_DELTA	0x810	/* RW signed: bytes more or fewer than VS_SIZEIMAGE */
#define FAULT_ENGINE_ERROR	0x814	/* RW one FAULT_ERROR_* for the engine's next descriptor */
#define FAULT_ERROR_AGAIN(n)	((n) << 8)	/* or-ed to it: n more after that, each after a restart */
#define FAULT_ERROR_MAGIC	1	/* its magic is read wrong: status magic_stopped */
#define FAULT_ERROR_DESCRIPTOR	2	/* its fetch fails: status descr_error, unsupported request */
#define FAULT_ERROR_READ	3	/* the stream fails: status read_error, slave error */
#define FAULT_SKIP		0x818	/* WO the card skips so many frame numbers: VS_OVERRUN */
#define FAULT_GONE		0x81c	/* WO FAULT_GONE_KEY: the card is gone, until it is plugged in again */
#define FAULT_GONE_KEY		0xdead
/* What the card has seen, for tests in the guest */
#define FAULT_WRITES_REFUSED	0x820	/* RO DMA writes outside the memory it was given */
#define FAULT_READS_REFUSED	0x824	/* RO DMA reads likewise */
#define FAULT_INTERRUPTS	0x828	/* RO interrupts raised */
#define FAULT_RULE_BREAKS	0x82c	/* RO uses of the core that PG195 forbids */
#define FAULT_ONES_AT		0x830	/* RW the next read of the source's register there is all ones, once */
#define FAULT_GONE_AT		0x834	/* RW the card is gone when that register is read next */
#define FAULT_COUNT_ANEW	0x838	/* WO the source counts from 0 again, while it runs */
#define FAULT_BEGUN		0x83c	/* RO frames begun since the card's program started, 32 bits */
#define FAULT_END		0x840

#ifndef FAULT_REGISTERS_ONLY
#include <stdbool.h>
#include <stdint.h>

/* Of one channel */
struct channel_faults {
	uint32_t stuck;		/* FAULT_STUCK_* */
	uint32_t length_frames;
	int32_t length_delta;
	uint32_t engine_error;
	uint32_t ones_at, gone_at;	/* 0: none */
};

/* Of the card */
struct faults {
	bool gone;
	bool no_core, no_source;	/* that BAR reads 0: another design */
};

/* The engine met one error: is another to come? */
static inline void fault_engine_error_met(struct channel_faults *faults)
{
	if (faults->engine_error >= FAULT_ERROR_AGAIN(1))
		faults->engine_error -= FAULT_ERROR_AGAIN(1);
	else
		faults->engine_error = 0;
}
#endif

#endif
