/* SPDX-License-Identifier: GPL-2.0-only */
/* One frame on its way from the card to a file. */
#ifndef GRABBERCTL_FRAME_H
#define GRABBERCTL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct frame - see above
 * @index: 0 for the first frame of this capture, then 1, 2 ...
 * @data: its bytes: in the driver's slot, or in a buffer of our own with --read
 * @bytes: how many the card sent
 * @slot: what to give back when the frame is written
 * @flags: GRABBER_FRAME_* bits
 * @stamped: the members below are known; read() does not tell them
 * @sequence: the driver's number of the frame
 * @timestamp_ns: CLOCK_MONOTONIC when the card completed it
 * @missed: frames overwritten since the one before it
 */
struct frame {
	uint64_t index;
	const uint8_t *data;
	size_t bytes;
	uint32_t slot;
	uint32_t flags;
	bool stamped;
	uint64_t sequence;
	uint64_t timestamp_ns;
	uint64_t missed;
};

#endif
