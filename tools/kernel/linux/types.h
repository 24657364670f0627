/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's integer types, for the one file of the driver that is built here too. */
#ifndef GRABBERCTL_KERNEL_TYPES_H
#define GRABBERCTL_KERNEL_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u32 u32;
typedef __u64 u64;

#endif
