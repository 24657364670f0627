/* SPDX-License-Identifier: GPL-2.0-only */
/* The few operations on bitmaps that the ring needs, slow and obvious. */
#ifndef UNIT_LINUX_BITMAP_H
#define UNIT_LINUX_BITMAP_H

#include <linux/types.h>

#define UNIT_LONG_BITS		(8 * sizeof(unsigned long))
#define DECLARE_BITMAP(name, bits) \
	unsigned long name[((bits) + UNIT_LONG_BITS - 1) / UNIT_LONG_BITS]

static inline bool unit_bit(const unsigned long *map, unsigned long bit)
{
	return map[bit / UNIT_LONG_BITS] >> bit % UNIT_LONG_BITS & 1;
}

static inline void __set_bit(unsigned long bit, unsigned long *map)
{
	map[bit / UNIT_LONG_BITS] |= 1UL << bit % UNIT_LONG_BITS;
}

static inline void __clear_bit(unsigned long bit, unsigned long *map)
{
	map[bit / UNIT_LONG_BITS] &= ~(1UL << bit % UNIT_LONG_BITS);
}

static inline unsigned long find_next_bit(const unsigned long *map, unsigned long size,
					  unsigned long from)
{
	while (from < size && !unit_bit(map, from))
		from++;
	return from < size ? from : size;
}

#endif /* UNIT_LINUX_BITMAP_H */
