// SPDX-License-Identifier: GPL-2.0-only
/* sg_alloc_table_from_pages_segment(): came with 5.15; __sg_alloc_table_from_pages() before. */
#include <linux/scatterlist.h>

static void have_sg_alloc_table_from_pages_segment(void)
{
	(void)sg_alloc_table_from_pages_segment;
}
