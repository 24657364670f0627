/* SPDX-License-Identifier: GPL-2.0-only */
/* What set.c and set_show.c share. */
#ifndef GRABBERCTL_SET_H
#define GRABBERCTL_SET_H

#include "cardsfile.h"
#include "pcifunction.h"

/**
 * struct set_target - what the settings are of
 * @function: the device; without a bus where only a section was named
 * @section: name of the section in cards.conf
 * @cards: the cards that are there of it
 * @count: how many
 * @channel: lowest channel that it is about
 */
struct set_target {
	struct pci_function function;
	char section[64];
	unsigned int cards[GRABBER_SETTINGS_CHANNELS];
	int count;
	unsigned int channel;
	bool near_channel;
};

/* Returns an exit status. */
int set_show(const struct set_target *target);

#endif
