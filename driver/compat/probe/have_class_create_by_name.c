// SPDX-License-Identifier: GPL-2.0-only
/* class_create(): takes the name alone since 6.4, the module besides before. */
#include <linux/device.h>

static void have_class_create_by_name(void)
{
	struct class *class = class_create("name");
}
