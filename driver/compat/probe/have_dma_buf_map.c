// SPDX-License-Identifier: GPL-2.0-only
/* struct dma_buf_map for dma_buf_ops.vmap: from 5.11 to 5.17; a bare pointer before. */
#include <linux/dma-buf.h>

static void have_dma_buf_map(struct dma_buf_ops *ops)
{
	int (*wanted)(struct dma_buf *dmabuf, struct dma_buf_map *map);
	char same[__builtin_types_compatible_p(__typeof__(ops->vmap),
					       __typeof__(wanted)) ? 1 : -1];
}
