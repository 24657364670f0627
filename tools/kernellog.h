/* SPDX-License-Identifier: GPL-2.0-only */
/* What the driver says in the kernel's log about one device. */
#ifndef GRABBERCTL_KERNELLOG_H
#define GRABBERCTL_KERNELLOG_H

#include <stddef.h>

/* From now on. Returns a descriptor, or -1 where the log cannot be read. */
int kernellog_open(void);

/* The last thing it said since then about the device at @bus, "" for nothing. */
void kernellog_last(int fd, const char *bus, char *text, size_t size);

#endif
