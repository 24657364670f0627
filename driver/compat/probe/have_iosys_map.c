// SPDX-License-Identifier: GPL-2.0-only
/* struct iosys_map for dma_buf_ops.vmap: from 5.18 on. */
#include <linux/dma-buf.h>

static void have_iosys_map(struct dma_buf_ops *ops)
{
	int (*wanted)(struct dma_buf *dmabuf, struct iosys_map *map);
	char same[__builtin_types_compatible_p(__typeof__(ops->vmap),
					       __typeof__(wanted)) ? 1 : -1];
}
