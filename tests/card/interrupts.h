/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of an interrupt to the client: an eventfd for the INTx line and for
 * each MSI and MSI-X vector, as VFIO has it.
 */
#ifndef CARD_INTERRUPTS_H
#define CARD_INTERRUPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERRUPT_VECTORS	32

/* As VFIO numbers them; the last is for fatal errors of the host's bus, that never come */
enum interrupt_kind {
	INTERRUPT_INTX, INTERRUPT_MSI, INTERRUPT_MSIX, INTERRUPT_ERROR, INTERRUPT_KINDS
};

struct interrupts {
	unsigned int vectors[INTERRUPT_KINDS];	/* how many the card has of each kind */
	int eventfd[INTERRUPT_KINDS][INTERRUPT_VECTORS];
	uint32_t pending;	/* MSI-X vectors raised before they had an eventfd */
	bool line;		/* INTx is asserted */
	bool line_masked;	/* by itself when it fired, or by the client */
	bool line_lost;		/* this assertion is swallowed */
	uint32_t swallow;	/* fault: interrupts to lose from now on */
	uint64_t raised;
	uint64_t swallowed;
};

void interrupts_init(struct interrupts *irq, bool intx, unsigned int msi, unsigned int msix);

/* DEVICE_SET_IRQS; 0 or a negative errno. Eventfds that are kept become -1 in fds */
int interrupts_set(struct interrupts *irq, uint32_t flags, uint32_t index, uint32_t start,
		   uint32_t count, const uint8_t *bools, size_t bool_count, int *fds, size_t fd_count);
void interrupts_release(struct interrupts *irq);

/* One message, MSI or MSI-X */
void interrupts_message(struct interrupts *irq, enum interrupt_kind kind, unsigned int vector);
/* The line's level; it fires again at each unmask for as long as it is high */
void interrupts_line(struct interrupts *irq, bool level);

#endif
