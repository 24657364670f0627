// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a slot: see pages.h.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "pages.h"

/* Pages with neighbouring addresses that were got at once. */
struct block {
	struct page *first;
	u32 count;
};

static int by_address(const void *a, const void *b)
{
	unsigned long pfn_a = page_to_pfn(((const struct block *)a)->first);
	unsigned long pfn_b = page_to_pfn(((const struct block *)b)->first);

	return pfn_a < pfn_b ? -1 : pfn_a > pfn_b;
}

/*
 * One block of pages, split: each gets a life of its own, for a program may outlive
 * the rest. What is more than @count of them is freed at once.
 *
 * Return: whether there was memory.
 */
static bool alloc_block(struct block *block, u32 count, unsigned int order, gfp_t gfp)
{
	u32 i;

	/* Try hard only for single pages, for a smaller block will do as well; and
	 * rather fail than have a program killed for the memory.
	 */
	gfp |= order ? __GFP_NORETRY : __GFP_RETRY_MAYFAIL;
	block->first = alloc_pages(gfp, order);
	if (!block->first)
		return false;
	split_page(block->first, order);
	for (i = count; i < 1U << order; i++)
		__free_page(block->first + i);
	block->count = min(count, 1U << order);
	return true;
}

static void free_blocks(struct block *blocks, u32 nblocks)
{
	u32 i;

	for (; nblocks; nblocks--, blocks++)
		for (i = 0; i < blocks->count; i++)
			__free_page(blocks->first + i);
}

/* The largest blocks that can be had. Return: how many; -ENOMEM; -EINTR. */
static int alloc_blocks(struct block *blocks, u32 count, gfp_t gfp)
{
	unsigned int order = GRABBER_BLOCK_ORDER;
	int err = 0;
	u32 n = 0;

	while (count && !err) {
		order = min_t(unsigned int, order, order_base_2(count));
		if (fatal_signal_pending(current))
			err = -EINTR;
		else if (alloc_block(&blocks[n], count, order, gfp))
			count -= blocks[n++].count;
		else if (!order--)
			err = -ENOMEM;
		cond_resched();
	}
	if (!err)
		return n;
	free_blocks(blocks, n);
	return err;
}

/**
 * grabber_pages_alloc() - get zeroed pages, for as few descriptors as can be
 * @pages: to be filled, in the order of their addresses. Up to 4 MiB they are one
 *	block, as a rule: one range of addresses for the card
 * @count: how many, not 0
 * @flags: where they may be: GFP_DMA, GFP_DMA32 or 0; and GRABBER_GFP_CHARGED
 *
 * Return: 0; -ENOMEM; -EINTR: the program is being killed.
 */
int grabber_pages_alloc(struct page **pages, u32 count, gfp_t flags)
{
	struct block *blocks = kvmalloc_array(count, sizeof(*blocks), GRABBER_GFP);
	int nblocks, i;
	u32 j;

	if (!blocks)
		return -ENOMEM;
	nblocks = alloc_blocks(blocks, count, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | flags);
	if (nblocks > 0) {
		/* Neighbouring blocks then make one range, and one descriptor, for the card. */
		sort(blocks, nblocks, sizeof(*blocks), by_address, NULL);
		for (i = 0; i < nblocks; i++)
			for (j = 0; j < blocks[i].count; j++)
				*pages++ = blocks[i].first + j;
	}
	kvfree(blocks);
	return min(nblocks, 0);
}

/**
 * grabber_pages_free() - let go of pages
 * @pages: the pages
 * @count: how many
 *
 * One that some program has pinned lives on until it is unpinned.
 */
void grabber_pages_free(struct page **pages, u32 count)
{
	u32 i;

	/* release_pages() is not cheaper for pages that are on no list. */
	for (i = 0; i < count; i++)
		put_page(pages[i]);
	cond_resched();
}

/**
 * grabber_pages_shared() - whether anybody else has one of the pages
 * @pages: the pages
 * @count: how many
 *
 * Return: true when one is mapped or pinned.
 */
bool grabber_pages_shared(struct page **pages, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (page_count(pages[i]) > 1)
			return true;
	cond_resched();
	return false;
}

/* How many of the next pages are neighbours, @longest at most. */
static u32 run_length(struct page **pages, u32 longest)
{
	unsigned long pfn = page_to_pfn(*pages);
	u32 i = 1;

	while (i < longest && page_to_pfn(pages[i]) == pfn + i)
		i++;
	return i;
}

/**
 * grabber_pages_table() - make the scatter list of pages
 * @table: filled in; to be freed by sg_free_table()
 * @pages: the pages
 * @count: how many, not 0
 * @longest: most pages that an entry may have
 *
 * Return: 0 or -ENOMEM.
 */
int grabber_pages_table(struct sg_table *table, struct page **pages, u32 count, u32 longest)
{
	struct scatterlist *sg;
	u32 at, entries = 0;
	int err;

	for (at = 0; at < count; entries++)
		at += run_length(pages + at, min(longest, count - at));
	err = sg_alloc_table(table, entries, GRABBER_GFP);
	if (err)
		return err;
	sg = table->sgl;
	for (at = 0; at < count; sg = sg_next(sg)) {
		u32 run = run_length(pages + at, min(longest, count - at));

		sg_set_page(sg, pages[at], run << PAGE_SHIFT, 0);
		at += run;
	}
	return 0;
}
