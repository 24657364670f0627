/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes of an open card; each returns 0, or -1 after saying why not. */
#ifndef GRABBERCTL_APPLY_H
#define GRABBERCTL_APPLY_H

#include <linux/grabber.h>

#include "formatspec.h"

/* buffer.c: have @buffer's slots and slot_size, which is filled in for what there is then. */
int apply_buffer(int fd, unsigned int card, struct grabber_buffer *buffer);

/* format.c: have that format; what was left out in @wish is filled in. */
int apply_format(int fd, unsigned int card, struct format_wish *wish);

#endif
