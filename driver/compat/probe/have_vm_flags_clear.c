// SPDX-License-Identifier: GPL-2.0-only
/* vm_flags_set(), vm_flags_clear(): came with 6.3 and are the only way from then on. */
#include <linux/mm.h>

static void have_vm_flags_clear(void)
{
	(void)vm_flags_set;
	(void)vm_flags_clear;
}
