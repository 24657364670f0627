/* SPDX-License-Identifier: GPL-2.0-only */
/* The whole card: configuration space, the BARs, and what they have in common. */
#ifndef CARD_CARD_H
#define CARD_CARD_H

#include "faults.h"
#include "guest_memory.h"
#include "interrupts.h"
#include "memory_bar.h"
#include "pci_config.h"
#include "stream.h"
#include "user_logic.h"
#include "vfio_user.h"
#include "xdma_core.h"

/* Longest text of card_stats() */
#define CARD_STATS	4096

struct card {
	struct vfio_user client;
	struct guest_memory memory;
	struct interrupts interrupts;
	struct pci_config config;
	struct xdma_core core;
	struct stream streams[XDMA_CHANNELS_MAX];
	unsigned int channels;
	struct faults faults;
	struct user_logic user_logic;
	struct memory_bar memory_bar;
	uint64_t config_accesses;
	uint64_t register_reads;
	uint64_t register_writes;
	uint64_t resets;
};

void card_init(struct card *c, const struct pci_ids *ids);
/* Faults, by either way in; @offset as of channel 0 */
uint32_t card_fault_read(struct card *c, unsigned int channel, uint32_t offset);
void card_fault_write(struct card *c, unsigned int channel, uint32_t offset, uint32_t value);
void card_user_logic_write(struct card *c, uint32_t offset, uint32_t value);
/* All counters as one line of JSON */
void card_stats(struct card *c, char *text, size_t size);

#endif
