/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's integer types, for driver code that is built for user space here. */
#ifndef UNIT_LINUX_TYPES_H
#define UNIT_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u32 u32;
typedef __u64 u64;

#endif /* UNIT_LINUX_TYPES_H */
