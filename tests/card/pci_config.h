/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The card's PCI configuration space: contents, what of it can be written, and
 * what the rest of the card asks of it.
 */
#ifndef CARD_PCI_CONFIG_H
#define CARD_PCI_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_CONFIG_SIZE	4096
#define CARD_BAR_SIZE	0x10000u

struct pci_ids {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint64_t serial;
	bool intx, msi, msix;
};

struct pci_config {
	struct pci_ids ids;
	uint64_t memory_bar;	/* bytes of BAR 2, 0 for none */
	uint8_t data[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];	/* a 1 for each bit that keeps what is written */
	uint8_t clearable[PCI_CONFIG_SIZE];	/* a 1 for each bit that writing 1 clears */
};

void pci_config_init(struct pci_config *c, const struct pci_ids *ids, uint64_t memory_bar);
/* As a conventional, hot or function-level reset leaves it */
void pci_config_reset(struct pci_config *c);

void pci_config_read(const struct pci_config *c, uint32_t offset, void *data, uint32_t size);
/* True where the write asks for a function-level reset */
bool pci_config_write(struct pci_config *c, uint32_t offset, const void *data, uint32_t size);

/* May the card start transfers and send messages: bus mastering, full power */
bool pci_config_masters(const struct pci_config *c);
/* Does it answer in its BARs */
bool pci_config_decodes(const struct pci_config *c);
bool pci_config_msix_enabled(const struct pci_config *c);
bool pci_config_msix_masked(const struct pci_config *c);
bool pci_config_msi_enabled(const struct pci_config *c);
unsigned int pci_config_msi_vectors(const struct pci_config *c);	/* granted, 1 to 32 */
bool pci_config_intx_enabled(const struct pci_config *c);
void pci_config_show_intx(struct pci_config *c, bool level);
unsigned int pci_config_max_payload(const struct pci_config *c);	/* as the register codes it */
unsigned int pci_config_max_read(const struct pci_config *c);

#endif
