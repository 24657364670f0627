// SPDX-License-Identifier: GPL-2.0-only
/*
 * What makes kmemleak's scans at the end of a test machine short. It looks for pointers
 * in all that was allocated at boot. KASAN's shadow is among it (an eighth of all memory,
 * a third of each scan), and holds no pointers: this has it left out. And lock checking
 * ends, a third of what is left, for each scan takes a lock for each of some 100,000
 * blocks. FOR TESTS ONLY; see Guest._last_look().
 */
#include <linux/debug_locks.h>
#include <linux/kasan.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/module.h>

/* What is not whole pages of 2 MiB is left as it is: it is small. */
static int __init noscan_init(void)
{
	unsigned long at = (unsigned long)kasan_mem_to_shadow((void *)PAGE_OFFSET);
	unsigned long end = (unsigned long)kasan_mem_to_shadow(high_memory);
	unsigned int level, blocks = 0;

	for (; at + PMD_SIZE <= end; at += PMD_SIZE) {
		pte_t *entry = lookup_address(at, &level);

		if (!entry || level != PG_LEVEL_2M)
			continue;
		kmemleak_ignore_phys(PFN_PHYS(pmd_pfn(*(pmd_t *)entry)));
		blocks++;
	}
	debug_locks = 0;
	pr_info("noscan: %u blocks of KASAN's shadow\n", blocks);
	return 0;
}

static void __exit noscan_exit(void)
{
}

module_init(noscan_init);
module_exit(noscan_exit);
MODULE_DESCRIPTION("kmemleak leaves out KASAN's shadow");
MODULE_LICENSE("GPL");
