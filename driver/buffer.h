/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buffer: the memory of the frame slots.
 *
 * Ordinary pages, mapped for the card once and for its whole life, and mapped
 * to programs page by page. The DMA side ends when the card goes; the pages stay
 * until the last program that maps them is done, for the card object owns them.
 */
#ifndef GRABBER_BUFFER_H
#define GRABBER_BUFFER_H

#include <linux/dma-mapping.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

#include "pages.h"
#include "status.h"

/* The most that one slot may have, and still fits one XDMA descriptor easily. */
#define GRABBER_SLOT_SIZE_MAX	(64U << 20)

/* Where a frame is a slot full: the least that one has, and what all are multiples of. */
#define GRABBER_SLOT_FULL_MIN	4096U
#define GRABBER_SLOT_FULL_UNIT	64U

/* The status page of the largest number of slots. */
#define GRABBER_STATUS_PAGES_MAX						\
	DIV_ROUND_UP(sizeof(struct grabber_status) + GRABBER_RING_SLOTS_MAX *	\
		     (sizeof(struct grabber_status_slot) + sizeof(u32)), PAGE_SIZE)

/**
 * struct grabber_slot_memory - memory of one slot
 * @pages: its pages, in the order of the mapping
 * @sgt: the same for the card; sgt.nents ranges of bus addresses
 * @mapped: @sgt is mapped for DMA
 * @sync: caches or a bounce buffer stand between the card and @pages
 */
struct grabber_slot_memory {
	struct page **pages;
	struct sg_table sgt;
	bool mapped;
	bool sync;
};

/**
 * struct grabber_frame_buffer - memory of all slots of a card, and the status page
 * @slots: one for each
 * @nslots: how many
 * @slot_size: bytes that the card may write into a slot
 * @slot_pages: pages of a slot
 * @status: the status page, @status_pages pages that each have a life of their own
 * @status_page: these, one by one
 * @status_pages: how many
 * @max_ranges: most bus address ranges that any slot has
 * @counted: pages of it that grabber_limit_count() knows of
 */
struct grabber_frame_buffer {
	struct grabber_slot_memory *slots;
	u32 nslots;
	u32 slot_size;
	u32 slot_pages;
	void *status;
	struct page *status_page[GRABBER_STATUS_PAGES_MAX];
	u32 status_pages;
	u32 max_ranges;
	unsigned long counted;
};

int grabber_buffer_alloc(struct grabber_frame_buffer *buffer, struct device *dev,
			 u32 nslots, u32 slot_size, gfp_t charged);
void grabber_buffer_unmap(struct grabber_frame_buffer *buffer, struct device *dev);
void grabber_buffer_free(struct grabber_frame_buffer *buffer);
bool grabber_buffer_shared(const struct grabber_frame_buffer *buffer);
struct page **grabber_buffer_pages(const struct grabber_frame_buffer *buffer, pgoff_t pgoff,
				   unsigned long *count);

/* The card has filled a slot. */
static inline void grabber_buffer_for_cpu(struct grabber_slot_memory *slot, struct device *dev)
{
	if (slot->sync)
		dma_sync_sgtable_for_cpu(dev, &slot->sgt, DMA_FROM_DEVICE);
}

/* The card may write a slot. */
static inline void grabber_buffer_for_card(struct grabber_slot_memory *slot, struct device *dev)
{
	if (slot->sync)
		dma_sync_sgtable_for_device(dev, &slot->sgt, DMA_FROM_DEVICE);
}

/* Pages of all slots: where the status page starts. */
static inline pgoff_t grabber_buffer_slot_pages(const struct grabber_frame_buffer *buffer)
{
	return (pgoff_t)buffer->nslots * buffer->slot_pages;
}

/* Bytes of the mapping: all slots, each a whole number of pages, and the status page. */
static inline u64 grabber_buffer_size(const struct grabber_frame_buffer *buffer)
{
	return (u64)(grabber_buffer_slot_pages(buffer) + buffer->status_pages) << PAGE_SHIFT;
}

#endif /* GRABBER_BUFFER_H */
