/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's header of this name has of the C library's. */
#ifndef UNIT_LINUX_STRING_H
#define UNIT_LINUX_STRING_H

#include <string.h>
#include <strings.h>

#endif /* UNIT_LINUX_STRING_H */
