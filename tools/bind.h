/* SPDX-License-Identifier: GPL-2.0-only */
/* Who drives a card. */
#ifndef GRABBERCTL_BIND_H
#define GRABBERCTL_BIND_H

#include "pcifunction.h"

/*
 * Have grabber drive it, with the settings in @once for this time (lines of @section; may be
 * ""), in the place of the driver that it has, grabber too. Returns 0; or -1 after saying why
 * not, and then it is as it was.
 */
int bind_move(const struct pci_function *function, const char *section, const char *once);

/* Say so, and return true, where programs have one of its frame nodes open. */
bool bind_in_use(const struct pci_function *function);

#endif
