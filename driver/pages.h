/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of a slot: got in large blocks, put in the order of their addresses, and from
 * then on single pages, each with a life of its own.
 */
#ifndef GRABBER_PAGES_H
#define GRABBER_PAGES_H

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

/* For all that grows with the buffer: fail rather than have a program killed. */
#define GRABBER_GFP	(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* 4 MiB, the largest block that every kernel's page allocator can give. */
#define GRABBER_BLOCK_ORDER	10

int grabber_pages_alloc(struct page **pages, u32 count, gfp_t flags);
void grabber_pages_free(struct page **pages, u32 count);
bool grabber_pages_shared(struct page **pages, u32 count);
int grabber_pages_table(struct sg_table *table, struct page **pages, u32 count, u32 longest);

/* Pages that are charged to the control group of the program that asks for them. Before
 * 5.11 such pages could not be mapped, for the mark stood where mappings are counted.
 */
#ifdef PG_kmemcg
#define GRABBER_GFP_CHARGED	((gfp_t)0)
#else
#define GRABBER_GFP_CHARGED	__GFP_ACCOUNT
#endif

#endif /* GRABBER_PAGES_H */
