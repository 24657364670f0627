/* SPDX-License-Identifier: GPL-2.0-only */
/* What became of the frames of one capture. */
#ifndef GRABBERCTL_LOSS_H
#define GRABBERCTL_LOSS_H

#include <linux/grabber.h>

#include "frame.h"

/**
 * struct loss - counts over one capture
 * @frames: frames that came
 * @lost: frames that the card began but that never came into the buffer
 * @missed: frames that were in the buffer, but overwritten before we came
 * @damaged: frames that came, but short or cut off
 * @first_ns: time of the first frame
 * @last_ns: time of the last
 * @last_sequence: its number
 */
struct loss {
	uint64_t frames;
	uint64_t lost;
	uint64_t missed;
	uint64_t damaged;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t last_sequence;
};

/* Count a frame; @now_ns stands in for the timestamp of one that has none. */
void loss_count(struct loss *loss, const struct frame *frame, uint64_t now_ns);

/* For frames without sequence numbers: from the driver's statistics before and after. */
void loss_from_stats(struct loss *loss, const struct grabber_stats *before,
		     const struct grabber_stats *after);

/* Frames a second between the first and the last, 0 where that means nothing. */
double loss_rate(const struct loss *loss);

#endif
