/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The XDMA core with a C2H channel on an AXI4-Stream, and an H2C channel if
 * wanted, that swallows what it is given: the registers of Xilinx's PG195 and
 * the engines behind them.
 */
#ifndef CARD_XDMA_CORE_H
#define CARD_XDMA_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest_memory.h"
#include "interrupts.h"
#include "pci_config.h"
#include "stream.h"
#include "user_logic.h"
#include "xdma_regs.h"

/* Descriptors that the engine keeps ready; it fetches ahead as the real one does */
#define XDMA_QUEUE	64

struct xdma_engine {
	bool h2c;
	unsigned int channel;
	struct stream *stream;	/* what feeds it, NULL of H2C */
	uint32_t control;
	uint32_t status;	/* without Busy, that is @active */
	uint32_t interrupt_enable;
	uint32_t completed;
	uint64_t poll_wb;
	uint64_t first;		/* of the first descriptor */
	uint32_t first_adjacent;
	uint32_t credits;

	bool active;
	bool stale;		/* it goes on after a stop that it did not mind */
	bool stopping;		/* Run went off: finish the descriptor under way */
	uint64_t fetch_address;
	uint32_t fetch_left;	/* descriptors left in the adjacent block */
	bool fetch_ended;	/* after STOP or an error nothing more is fetched */
	uint32_t fetch_error;	/* status bit to stop with once the queue is empty */
	struct xdma_descriptor queue[XDMA_QUEUE];
	unsigned int queued;
	uint64_t done;		/* bytes written of the first one in the queue */
};

struct xdma_core {
	struct guest_memory *memory;
	struct interrupts *interrupts;
	struct pci_config *config;
	struct faults *faults;
	const struct user_logic *user_logic;

	bool has_h2c;
	unsigned int channels;		/* C2H */
	struct xdma_engine c2h[XDMA_CHANNELS_MAX], h2c;
	uint32_t halt;
	uint32_t credit_mode;
	uint32_t user_int_enable;
	uint32_t channel_int_enable;
	uint32_t user_vector[4];
	uint32_t channel_vector[2];
	uint32_t pcie_control;
	uint32_t user_mps, user_mrrs;
	uint32_t flush_timeout;
	uint32_t sent;		/* channels whose message has gone out */
	uint32_t user_sent;	/* user lines, likewise */
	uint64_t user_messages;
	uint32_t msix_table[XDMA_MSIX_VECTORS * 4];

	uint64_t descriptors;
	uint64_t writebacks;
	uint64_t bytes_taken;	/* by the H2C channel */
	uint64_t rule_breaks;
	uint64_t stale_bytes;	/* written to addresses that were to be forgotten */
};

void xdma_core_reset(struct xdma_core *x);
uint32_t xdma_core_read(struct xdma_core *x, uint32_t offset);
/* @mask has the bytes that are written */
void xdma_core_write(struct xdma_core *x, uint32_t offset, uint32_t value, uint32_t mask);
/* Brings line and messages up to date, after anything that they depend on changed */
void xdma_core_interrupts(struct xdma_core *x);
/* A use of the core that the guide forbids: counted and told once a kind */
void xdma_core_rule_break(struct xdma_core *x, const char *what);

/* xdma_engine.c */
/* Bus mastering is on again */
void xdma_engine_masters(struct xdma_core *x);
void xdma_engine_control(struct xdma_core *x, struct xdma_engine *e, uint32_t control);
static inline uint32_t xdma_engine_common_bit(const struct xdma_engine *e)
{
	return (e->h2c ? XDMA_COMMON_H2C_0 : XDMA_COMMON_C2H_0) << e->channel;
}

/* Moves about @budget bytes at most; true where it got on and may do so again */
bool xdma_engine_run(struct xdma_core *x, size_t budget);

#endif
