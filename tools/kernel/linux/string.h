/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's header of this name has of the C library's. */
#ifndef GRABBERCTL_KERNEL_STRING_H
#define GRABBERCTL_KERNEL_STRING_H

#include <string.h>
#include <strings.h>

#endif
