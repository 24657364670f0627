/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dma_buf_ops.vmap and .vunmap by today's types, on kernels that have other ones.
 */
#ifndef GRABBER_COMPAT_IOSYS_MAP_H
#define GRABBER_COMPAT_IOSYS_MAP_H

#include <linux/dma-buf.h>

#if defined(HAVE_IOSYS_MAP)
#include <linux/iosys-map.h>
#elif defined(HAVE_DMA_BUF_MAP)
#include <linux/dma-buf-map.h>
#define iosys_map dma_buf_map
#define iosys_map_set_vaddr dma_buf_map_set_vaddr
#else
struct iosys_map {
	void *vaddr;
};

static inline void iosys_map_set_vaddr(struct iosys_map *map, void *vaddr)
{
	map->vaddr = vaddr;
}
#endif

#if defined(HAVE_IOSYS_MAP) || defined(HAVE_DMA_BUF_MAP)
#define DMA_BUF_VMAP_OPS(do_vmap, do_vunmap) .vmap = do_vmap, .vunmap = do_vunmap
#define DEFINE_DMA_BUF_VMAP_OPS(do_vmap, do_vunmap)
#else
#define DMA_BUF_VMAP_OPS(do_vmap, do_vunmap) .vmap = do_vmap##_old, .vunmap = do_vunmap##_old
#define DEFINE_DMA_BUF_VMAP_OPS(do_vmap, do_vunmap)				\
static void *do_vmap##_old(struct dma_buf *dmabuf)				\
{										\
	struct iosys_map map;							\
										\
	return do_vmap(dmabuf, &map) ? NULL : map.vaddr;			\
}										\
										\
static void do_vunmap##_old(struct dma_buf *dmabuf, void *vaddr)		\
{										\
	struct iosys_map map = { .vaddr = vaddr };				\
										\
	do_vunmap(dmabuf, &map);						\
}
#endif

#endif /* GRABBER_COMPAT_IOSYS_MAP_H */
