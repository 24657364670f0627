// SPDX-License-Identifier: GPL-2.0-only
/* struct class.class_release: its argument became const with 6.4. */
#include <linux/device.h>

static void have_const_class_release(struct class *class)
{
	void (*wanted)(const struct class *class);
	char same[__builtin_types_compatible_p(__typeof__(class->class_release),
					       __typeof__(wanted)) ? 1 : -1];
}
