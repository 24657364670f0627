// SPDX-License-Identifier: GPL-2.0-only
/* On a kernel without dma-bufs (CONFIG_DMA_SHARED_BUFFER): frames come, EXPORT is refused. */
#include <errno.h>

#include "card.h"

TEST(export_is_not_supported)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_take take = must_take(fd);
	struct grabber_export export = { .slot = take.slot };

	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_EXPORT, &export), EOPNOTSUPP);
	/* The slot is held as before. */
	must_give(fd, take.slot);
	close(fd);
}
