/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module's start and stop need of the PCI glue, and its files of each
 * other. Boards find theirs in board.h.
 */
#ifndef GRABBER_PCI_H
#define GRABBER_PCI_H

#include <linux/pci.h>
#include <linux/pm.h>

struct grabber_bus;
struct grabber_function;

/* pci.c */
int grabber_pci_init(void);
void grabber_pci_exit(void);

/* pci_interrupt.c */
int grabber_pci_interrupts(struct grabber_function *function);

/* pci_reset.c */
extern const struct grabber_bus grabber_pci_bus;
extern const struct dev_pm_ops grabber_pci_pm;
extern const struct pci_error_handlers grabber_pci_errors;
int grabber_pci_keep_state(struct grabber_function *function);

#endif /* GRABBER_PCI_H */
