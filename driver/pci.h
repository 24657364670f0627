/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module's start and stop need of the PCI glue. Boards find theirs in
 * board.h.
 */
#ifndef GRABBER_PCI_H
#define GRABBER_PCI_H

int grabber_pci_init(void);
void grabber_pci_exit(void);

#endif /* GRABBER_PCI_H */
