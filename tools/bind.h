/* SPDX-License-Identifier: GPL-2.0-only */
/* Who drives a card: moved now (bindmove.c), and kept (bindsaved.c). */
#ifndef GRABBERCTL_BIND_H
#define GRABBERCTL_BIND_H

#include <signal.h>
#include <stdbool.h>

#include "pcifunction.h"

/* What there is while a card is moved: nobody else moves one, and no signal ends us half way. */
struct bind_guard {
	int lock;
	sigset_t signals;
};

/* Returns 0, or -1 after saying why not. */
int bind_begin(struct bind_guard *guard);
void bind_end(struct bind_guard *guard);

/*
 * Have grabber drive it, with the settings in @once for this time (lines of @section; may be
 * ""), in the place of the driver that it has, grabber too. Returns 0; -ETIMEDOUT after saying
 * that the other driver has not let go; or another error after saying why not, and then the
 * card is as it was.
 */
int bind_move(const struct pci_function *function, const char *section, const char *once);

/* Say so, and return true, where programs have one of its frame nodes open. */
bool bind_in_use(const struct pci_function *function);

/* Say who alone may drive it, "" for anybody. Returns 0, or an error after saying why not. */
int bind_override(const char *bus, const char *text);

/* Have the driver let go of it. Returns 0, or an error after saying why not. */
int bind_release(const char *bus, const char *driver);

/* Where it has no driver: any may take it that would. */
void bind_probe_again(const char *bus);

/* Say so, and return true, where it is nothing that grabber could drive. */
bool bind_impossible(const struct pci_function *function);

/* What it is, where a machine needs such devices to live, else NULL. */
const char *bind_precious(const struct pci_function *function);

/* Say in cards.conf that it is grabber's; @framing may be NULL. Returns 0, or -1 after saying why not. */
int bind_save(const struct pci_function *function, const char *board, const char *framing);

/* Returns 1 where the file said it, 0 where not, or -1 after saying why it cannot be changed. */
int bind_forget(const struct pci_function *function);

/* The two steps in which udev binds what was saved. Return an exit status. */
int bind_ready(const struct pci_function *function);
int bind_take_saved(const struct pci_function *function);

#endif
