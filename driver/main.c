// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: starts and stops the others.
 */
#include <linux/module.h>

#include "card.h"
#include "pci.h"
#include "settings.h"

static int __init grabber_init(void)
{
	int err = grabber_interrupts_init();

	if (err)
		return err;
	err = grabber_minors_init();
	if (err)
		goto no_minors;
	err = grabber_pci_init();
	if (err)
		goto no_pci;
	return 0;

no_pci:
	grabber_minors_exit();
no_minors:
	grabber_interrupts_exit();
	return err;
}

/*
 * The kernel unloads a module that nobody uses: no file is open, no dma-buf of ours
 * exists, and the code that closes them let go of the module when it had returned from
 * us. What else could still run in the module's text, or call it later:
 *
 * - Work, timers, interrupts, sysfs attributes: grabber_pci_exit() returns after each
 *   card's removal and all that devm unwinds then, and these wait for them to end.
 * - The driver core, when it lets go of a device, of a cdev or of the class at last: what
 *   it frees then is its own, by its own code (minor.c).
 */
static void __exit grabber_exit(void)
{
	grabber_pci_exit();
	grabber_settings_exit();
	grabber_minors_exit();
	grabber_interrupts_exit();
}

module_init(grabber_init);
module_exit(grabber_exit);

MODULE_DESCRIPTION("PCI frame grabbers: a frame buffer and a register window for each card");
MODULE_AUTHOR("The grabber authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(GRABBER_VERSION);
