/* SPDX-License-Identifier: GPL-2.0-only */
/* What sysfs tells of a card, to everybody and without opening its node. */
#ifndef GRABBERCTL_SYSFS_H
#define GRABBERCTL_SYSFS_H

#include <linux/grabber.h>

/**
 * struct sysfs_card - the files of docs/ABI/sysfs-class-grabber
 * @board: board family
 * @channel: which channel of its function it is, 0 of older drivers
 * @channels: of how many, 1 of older drivers
 * @state: "streaming", "idle" or "gone"
 * @format: all but bytesperline
 * @slots: frame slots of the buffer
 * @slot_size: bytes that a slot can take
 * @begun_before: stats.begun, read ahead of the other counters; stats.begun was read
 *	after them. Where both are the same, the counters are those of one moment
 * @stats: all but what is of one reader
 */
struct sysfs_card {
	char board[32];
	__u32 channel;
	__u32 channels;
	char state[16];
	struct grabber_format format;
	__u32 slots;
	__u32 slot_size;
	__u64 begun_before;
	struct grabber_stats stats;
};

/* Returns 0, or -errno: -ENOENT where the card is not there, or its driver too old. */
int sysfs_card(unsigned int card, struct sysfs_card *to);

#endif
