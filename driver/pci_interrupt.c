// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI glue's interrupts: messages, a vector for each card where there are enough, or
 * the line.
 */
#include <linux/interrupt.h>
#include <linux/pci.h>

#include "card.h"
#include "pci.h"

static void free_vectors(void *pdev)
{
	pci_free_irq_vectors(pdev);
}

/**
 * grabber_pci_mask_intx() - see whether the line interrupt is ours, and mask it
 * @card: the card
 *
 * Return: true when the card had raised it, or interrupts by messages.
 */
bool grabber_pci_mask_intx(struct grabber_card *card)
{
	struct pci_dev *pdev = to_pci_dev(card->dev);
	unsigned long flags;
	bool ours;

	if (pci_dev_msi_enabled(pdev))
		return true;
	spin_lock_irqsave(&card->function->command_lock, flags);
	ours = pci_check_and_mask_intx(pdev);
	spin_unlock_irqrestore(&card->function->command_lock, flags);
	return ours;
}

/**
 * grabber_pci_unmask_intx() - let the next line interrupt through
 * @function: the function
 */
void grabber_pci_unmask_intx(struct grabber_function *function)
{
	struct pci_dev *pdev = to_pci_dev(function->dev);
	unsigned long flags;
	u16 command;

	if (pci_dev_msi_enabled(pdev))
		return;
	/* All who change this register have the lock: see master() in pci_reset.c. (In some
	 * kernels pci_intx() sleeps.)
	 */
	spin_lock_irqsave(&function->command_lock, flags);
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	pci_write_config_word(pdev, PCI_COMMAND, command & ~PCI_COMMAND_INTX_DISABLE);
	spin_unlock_irqrestore(&function->command_lock, flags);
}

/* An interrupt of one card alone. */
static int request_own(struct pci_dev *pdev, struct grabber_card *card)
{
	int irq = pci_irq_vector(pdev, grabber_vector(card->function, card->channel));

	/* Handlers are threads there, but the time of a frame is that of its interrupt. Not
	 * for a line, which others may share: their handlers would have to be like this one.
	 */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && pci_dev_msi_enabled(pdev))
		return devm_request_threaded_irq(&pdev->dev, irq, grabber_card_stamp,
						 grabber_card_stamped,
						 IRQF_NO_THREAD | IRQF_SHARED,
						 "grabber", card);
	return devm_request_irq(&pdev->dev, irq,
				pci_dev_msi_enabled(pdev) ? grabber_card_interrupt :
							    grabber_card_line,
				IRQF_SHARED, "grabber", card);
}

/* Of the user logic, beside a card's handler perhaps. */
static int request_lines(struct pci_dev *pdev, struct grabber_function *function)
{
	int irq = pci_irq_vector(pdev, grabber_lines_vector(function));

	return devm_request_irq(&pdev->dev, irq, grabber_lines_interrupt, IRQF_SHARED,
				"grabber-lines", function);
}

static int request_interrupts(struct pci_dev *pdev, struct grabber_function *function)
{
	int err = 0;
	u32 i;

	if (function->vectors < function->channels)
		return devm_request_irq(&pdev->dev, pci_irq_vector(pdev, 0),
					grabber_function_interrupt, IRQF_SHARED, "grabber",
					function);
	for (i = 0; i < function->ncards && !err; i++)
		err = request_own(pdev, function->cards[i]);
	return err;
}

/**
 * grabber_pci_interrupts() - get a function's interrupts, when its cards are there
 * @function: the function
 *
 * Return: 0, or an error after saying why.
 */
int grabber_pci_interrupts(struct grabber_function *function)
{
	struct pci_dev *pdev = to_pci_dev(function->dev);
	u32 wanted = function->channels + (function->board->lines_up ? 1 : 0);
	/* In this order: MSI-X, MSI, INTx. One for each channel, or one for all; and one for
	 * the user logic, or it has the first of them, too.
	 */
	int err = pci_alloc_irq_vectors(pdev, 1, wanted, PCI_IRQ_ALL_TYPES);

	if (err < 0) {
		dev_err(&pdev->dev,
			"no interrupt (%d): the card has none, or the firmware gave it no line; try without pci=nomsi\n",
			err);
		return err;
	}
	function->vectors = err;
	err = devm_add_action_or_reset(&pdev->dev, free_vectors, pdev);
	if (err)
		return err;
	function->messages = pci_dev_msi_enabled(pdev);
	if (function->board == &grabber_board_generic && !function->messages &&
	    !pci_intx_mask_supported(pdev)) {
		dev_err(&pdev->dev,
			"the line interrupt cannot be masked: put the card where it has MSI (no pci=nomsi)\n");
		return -ENODEV;
	}
	err = request_interrupts(pdev, function);
	if (!err && function->board->lines_up)
		err = request_lines(pdev, function);
	if (err)
		dev_err(&pdev->dev, "the interrupt cannot be had (%d): see /proc/interrupts\n",
			err);
	return err;
}
