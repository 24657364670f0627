/* SPDX-License-Identifier: GPL-2.0-only */
/* The control socket: a line asks, a line answers. README.md has the words. */
#ifndef CARD_CONTROL_H
#define CARD_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "card.h"

#define CONTROL_CLIENTS	8
#define CONTROL_LINE	256

struct control_client {
	int fd;
	size_t used;
	char line[CONTROL_LINE];
};

struct control {
	struct card *card;
	int listener;		/* -1 for none */
	struct control_client clients[CONTROL_CLIENTS];
};

/* Returns 0 or a negative errno; @path may be NULL */
int control_listen(struct control *c, struct card *card, const char *path);
/* Descriptors to wait for; returns how many */
size_t control_poll(const struct control *c, struct pollfd *fds);
void control_serve(struct control *c);

#endif
