// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffer: see buffer.h for the ideas, docs/mmap.md for the techniques.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "buffer.h"
#include "status.h"

/* 4 MiB, the largest block that every kernel's page allocator can give. */
#define LARGEST_ORDER	10

/* Pages that a card with a narrow DMA mask can reach without bounce buffers. */
static gfp_t zone_for(struct device *dev)
{
	u64 mask = dma_get_mask(dev);

	if (mask < DMA_BIT_MASK(32))
		return GFP_DMA;
	if (mask < DMA_BIT_MASK(64))
		return GFP_DMA32;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	unsigned long pfn_a = page_to_pfn(*(struct page **)a);
	unsigned long pfn_b = page_to_pfn(*(struct page **)b);

	return pfn_a < pfn_b ? -1 : pfn_a > pfn_b;
}

/*
 * One block of pages, split: each gets a life of its own, for a program may outlive
 * the rest. What is more than @count of them is freed at once.
 *
 * Return: how many there are at @pages, 0 without memory.
 */
static u32 alloc_block(struct page **pages, u32 count, unsigned int order, gfp_t gfp)
{
	struct page *block;
	u32 i;

	/* Try hard only for single pages, for a smaller block will do as well; and
	 * rather fail than have a program killed for the memory.
	 */
	gfp |= order ? __GFP_NORETRY : __GFP_RETRY_MAYFAIL;
	block = alloc_pages(gfp, order);
	if (!block)
		return 0;
	split_page(block, order);
	for (i = 0; i < 1U << order; i++) {
		if (i < count)
			pages[i] = block + i;
		else
			__free_page(block + i);
	}
	return min(count, 1U << order);
}

/*
 * Fill @pages from the largest blocks that can be had. Up to 4 MiB that is one block,
 * as a rule: one range of addresses for the card.
 */
static int alloc_pages_of_slot(struct page **pages, u32 count, struct device *dev)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | zone_for(dev);
	unsigned int order = LARGEST_ORDER;
	u32 have = 0;

	while (have < count) {
		u32 got;

		order = min_t(unsigned int, order, order_base_2(count - have));
		got = alloc_block(pages + have, count - have, order, gfp);
		if (!got && !order--)
			goto free;
		have += got;
	}
	/* Neighbouring blocks then make one range, and one descriptor, for the card. */
	sort(pages, count, sizeof(*pages), by_address, NULL);
	return 0;

free:
	while (have)
		__free_page(pages[--have]);
	return -ENOMEM;
}

static void free_slot(struct grabber_slot_memory *slot, u32 count)
{
	u32 i;

	if (!slot->pages)
		return;
	for (i = 0; i < count; i++)
		put_page(slot->pages[i]);
	kvfree(slot->pages);
	slot->pages = NULL;
}

/* Whether any part of a slot does: on most machines none, and then a frame is spared it. */
static bool needs_sync(struct sg_table *sgt, struct device *dev)
{
	struct scatterlist *sg;
	int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (dma_need_sync(dev, sg_dma_address(sg)))
			return true;
	}
	return false;
}

static int alloc_slot(struct grabber_slot_memory *slot, struct device *dev,
		      u32 count, u32 size)
{
	int err;

	slot->pages = kvcalloc(count, sizeof(*slot->pages), GRABBER_GFP);
	if (!slot->pages)
		return -ENOMEM;
	err = alloc_pages_of_slot(slot->pages, count, dev);
	if (err) {
		kvfree(slot->pages);
		slot->pages = NULL;
		return err;
	}
	err = sg_alloc_table_from_pages(&slot->sgt, slot->pages, count, 0,
					(unsigned long)count << PAGE_SHIFT, GRABBER_GFP);
	if (err)
		goto free;
	/* The ownership passes at each frame, by grabber_buffer_for_cpu() and _card(). */
	err = dma_map_sgtable(dev, &slot->sgt, DMA_FROM_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
	if (err)
		goto free_table;
	slot->mapped = true;
	slot->sync = needs_sync(&slot->sgt, dev);
	return 0;

free_table:
	sg_free_table(&slot->sgt);
free:
	free_slot(slot, count);
	return err;
}

static int alloc_status(struct grabber_frame_buffer *buffer, u32 nslots)
{
	size_t bytes = PAGE_ALIGN(grabber_status_bytes(nslots));

	/* Split into single pages already, and next to each other for the driver. */
	buffer->status = alloc_pages_exact(bytes, GRABBER_GFP | __GFP_ZERO);
	if (!buffer->status)
		return -ENOMEM;
	buffer->status_pages = bytes >> PAGE_SHIFT;
	return 0;
}

/**
 * grabber_buffer_alloc() - get the memory of all slots, mapped for the card
 * @buffer: zeroed
 * @dev: the card, its DMA mask set
 * @nslots: number of slots
 * @slot_size: bytes of each, not 0
 *
 * Return: 0; -ENOMEM; or what the DMA mapping said. Nothing is kept on an error.
 */
int grabber_buffer_alloc(struct grabber_frame_buffer *buffer, struct device *dev,
			 u32 nslots, u32 slot_size)
{
	u64 pages = (u64)nslots * DIV_ROUND_UP(slot_size, PAGE_SIZE);
	u32 i;
	int err;

	/* What is not there need not be tried, at the cost of all other programs. A
	 * sixteenth is left to them.
	 */
	if (pages > (u64)si_mem_available() * 15 / 16)
		return -ENOMEM;
	err = alloc_status(buffer, nslots);
	if (err)
		return err;
	buffer->nslots = nslots;
	buffer->slot_size = slot_size;
	buffer->slot_pages = DIV_ROUND_UP(slot_size, PAGE_SIZE);
	buffer->slots = kvcalloc(nslots, sizeof(*buffer->slots), GRABBER_GFP);
	if (!buffer->slots) {
		grabber_buffer_free(buffer);
		return -ENOMEM;
	}
	for (i = 0; i < nslots; i++) {
		struct grabber_slot_memory *slot = &buffer->slots[i];

		err = alloc_slot(slot, dev, buffer->slot_pages, slot_size);
		if (err) {
			grabber_buffer_unmap(buffer, dev);
			grabber_buffer_free(buffer);
			return err;
		}
		buffer->max_ranges = max(buffer->max_ranges, slot->sgt.nents);
	}
	return 0;
}

/**
 * grabber_buffer_unmap() - take the memory away from the card, for good
 * @buffer: the buffer
 * @dev: the card, which must have stopped writing
 */
void grabber_buffer_unmap(struct grabber_frame_buffer *buffer, struct device *dev)
{
	u32 i;

	for (i = 0; i < buffer->nslots; i++) {
		struct grabber_slot_memory *slot = &buffer->slots[i];

		if (!slot->mapped)
			continue;
		/* Frames were handed over already: no sync, it could only undo that. */
		dma_unmap_sgtable(dev, &slot->sgt, DMA_FROM_DEVICE, DMA_ATTR_SKIP_CPU_SYNC);
		sg_free_table(&slot->sgt);
		slot->mapped = false;
	}
}

/**
 * grabber_buffer_free() - let go of the pages
 * @buffer: the buffer, unmapped
 *
 * A page that some program has pinned lives on until it is unpinned.
 */
void grabber_buffer_free(struct grabber_frame_buffer *buffer)
{
	u32 i;

	for (i = 0; buffer->slots && i < buffer->nslots; i++)
		free_slot(&buffer->slots[i], buffer->slot_pages);
	kvfree(buffer->slots);
	buffer->slots = NULL;
	buffer->nslots = 0;
	/* Drops one reference of each page, as free_slot() does. */
	if (buffer->status)
		free_pages_exact(buffer->status, (size_t)buffer->status_pages << PAGE_SHIFT);
	buffer->status = NULL;
}

/**
 * grabber_buffer_page() - page of the mapping
 * @buffer: the buffer
 * @pgoff: its number, counted from the start of slot 0
 *
 * Return: the page, NULL behind the end.
 */
struct page *grabber_buffer_page(const struct grabber_frame_buffer *buffer, pgoff_t pgoff)
{
	pgoff_t slot = pgoff / buffer->slot_pages;

	if (slot >= buffer->nslots) {
		pgoff -= grabber_buffer_slot_pages(buffer);
		if (pgoff >= buffer->status_pages)
			return NULL;
		return virt_to_page(buffer->status + (pgoff << PAGE_SHIFT));
	}
	return buffer->slots[slot].pages[pgoff % buffer->slot_pages];
}
