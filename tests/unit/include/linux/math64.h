/* SPDX-License-Identifier: GPL-2.0-only */
/* The one 64-bit division that the ring needs, as the kernel's header has it. */
#ifndef UNIT_LINUX_MATH64_H
#define UNIT_LINUX_MATH64_H

#include <linux/types.h>

static inline u64 div_u64_rem(u64 dividend, u32 divisor, u32 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

#endif /* UNIT_LINUX_MATH64_H */
