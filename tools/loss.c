// SPDX-License-Identifier: GPL-2.0-only
#include "loss.h"

void loss_count(struct loss *loss, const struct frame *frame, uint64_t now_ns)
{
	uint64_t when = frame->stamped ? frame->timestamp_ns : now_ns;
	uint64_t jump;

	loss->missed += frame->missed;
	loss->damaged += !!(frame->flags & (GRABBER_FRAME_TRUNCATED | GRABBER_FRAME_SHORT));
	if (!loss->frames) {
		loss->first_ns = when;
	} else if (frame->stamped && frame->sequence > loss->last_sequence) {
		/* A jump has missed frames in it, too; what remains never came. */
		jump = frame->sequence - loss->last_sequence - 1;
		if (jump > frame->missed)
			loss->lost += jump - frame->missed;
	}
	loss->frames++;
	loss->last_ns = when;
	loss->last_sequence = frame->sequence;
}

static uint64_t never_came(const struct grabber_stats *stats)
{
	return stats->dropped_no_slot + stats->dropped_error + stats->dropped_stop +
	       stats->lost_by_card;
}

void loss_from_stats(struct loss *loss, const struct grabber_stats *before,
		     const struct grabber_stats *after)
{
	loss->lost = never_came(after) - never_came(before);
	loss->missed = after->reader_missed - before->reader_missed;
}

double loss_rate(const struct loss *loss)
{
	if (loss->frames < 2 || loss->last_ns <= loss->first_ns)
		return 0;
	return (loss->frames - 1) * 1e9 / (loss->last_ns - loss->first_ns);
}
