// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffer: see buffer.h for the ideas, docs/mmap.md for the techniques.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "buffer.h"
#include "limit.h"

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

static void free_slot(struct grabber_slot_memory *slot, u32 count)
{
	if (!slot->pages)
		return;
	grabber_pages_free(slot->pages, count);
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

/* Pages that may be mapped for the card in one piece: bounce buffers are no longer. */
static u32 longest(struct device *dev, u32 count)
{
	size_t pages = dma_max_mapping_size(dev) >> PAGE_SHIFT;

	return clamp_t(size_t, pages, 1, count);
}

static int alloc_slot(struct grabber_slot_memory *slot, struct device *dev, u32 count,
		      gfp_t charged)
{
	int err;

	slot->pages = kvcalloc(count, sizeof(*slot->pages), GRABBER_GFP);
	if (!slot->pages)
		return -ENOMEM;
	err = grabber_pages_alloc(slot->pages, count, zone_for(dev) | charged);
	if (err) {
		kvfree(slot->pages);
		slot->pages = NULL;
		return err;
	}
	err = grabber_pages_table(&slot->sgt, slot->pages, count, longest(dev, count));
	if (err)
		goto free;
	/* The ownership passes at each frame, by grabber_buffer_for_cpu() and _card(). */
	if (dma_map_sgtable(dev, &slot->sgt, DMA_FROM_DEVICE, DMA_ATTR_SKIP_CPU_SYNC)) {
		err = -ENOBUFS;
		goto free_table;
	}
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
	u32 i;

	/* Split into single pages already, and next to each other for the driver. */
	buffer->status = alloc_pages_exact(bytes, GRABBER_GFP | __GFP_ZERO);
	if (!buffer->status)
		return -ENOMEM;
	buffer->status_pages = bytes >> PAGE_SHIFT;
	for (i = 0; i < buffer->status_pages; i++)
		buffer->status_page[i] = virt_to_page(buffer->status + i * PAGE_SIZE);
	return 0;
}

/**
 * grabber_buffer_alloc() - get the memory of all slots, mapped for the card
 * @buffer: zeroed
 * @dev: the card, its DMA mask set
 * @nslots: number of slots
 * @slot_size: bytes of each, not 0
 * @charged: GRABBER_GFP_CHARGED where a program asks for it, else 0
 *
 * Return: 0; -ENOMEM; -EINTR: the program is being killed; -ENOBUFS: the pages cannot
 * be mapped for the card. Nothing is kept on an error.
 */
int grabber_buffer_alloc(struct grabber_frame_buffer *buffer, struct device *dev,
			 u32 nslots, u32 slot_size, gfp_t charged)
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
	buffer->counted = pages;
	grabber_limit_count(pages);
	buffer->slots = kvcalloc(nslots, sizeof(*buffer->slots), GRABBER_GFP);
	if (!buffer->slots) {
		grabber_buffer_free(buffer);
		return -ENOMEM;
	}
	for (i = 0; i < nslots; i++) {
		struct grabber_slot_memory *slot = &buffer->slots[i];

		err = alloc_slot(slot, dev, buffer->slot_pages, charged);
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
	grabber_limit_count(-(long)buffer->counted);
	buffer->counted = 0;
	buffer->nslots = 0;
	/* Drops one reference of each page, as free_slot() does. */
	if (buffer->status)
		free_pages_exact(buffer->status, (size_t)buffer->status_pages << PAGE_SHIFT);
	buffer->status = NULL;
}

/**
 * grabber_buffer_shared() - whether anybody else has a page of the buffer
 * @buffer: the buffer
 *
 * Return: true when some program has it mapped, or has had, and the page is still pinned.
 */
bool grabber_buffer_shared(const struct grabber_frame_buffer *buffer)
{
	u32 i;

	for (i = 0; i < buffer->nslots; i++)
		if (grabber_pages_shared(buffer->slots[i].pages, buffer->slot_pages))
			return true;
	return grabber_pages_shared((struct page **)buffer->status_page, buffer->status_pages);
}

/**
 * grabber_buffer_pages() - pages of the mapping
 * @buffer: the buffer
 * @pgoff: number of the first, counted from the start of slot 0
 * @count: most that are wanted; set to how many there are in one array
 *
 * Return: the first of @count pages, NULL behind the end.
 */
struct page **grabber_buffer_pages(const struct grabber_frame_buffer *buffer, pgoff_t pgoff,
				   unsigned long *count)
{
	pgoff_t slot = pgoff / buffer->slot_pages;
	pgoff_t at = pgoff % buffer->slot_pages;

	if (slot < buffer->nslots) {
		*count = min_t(pgoff_t, *count, buffer->slot_pages - at);
		return buffer->slots[slot].pages + at;
	}
	at = pgoff - grabber_buffer_slot_pages(buffer);
	if (at >= buffer->status_pages)
		return NULL;
	*count = min_t(pgoff_t, *count, buffer->status_pages - at);
	return (struct page **)buffer->status_page + at;
}
