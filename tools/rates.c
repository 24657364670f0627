// SPDX-License-Identifier: GPL-2.0-only
#include "counters.h"
#include "rates.h"

bool rates_between(const struct sysfs_card *before, const struct sysfs_card *after,
		   double seconds, struct rates *rates)
{
	const struct grabber_stats *from = &before->stats, *to = &after->stats;

	if (seconds <= 0)
		return false;
	for (size_t i = 0; i < COUNTERS; i++) {
		if (counter_get(to, &counters[i]) < counter_get(from, &counters[i]))
			return false;
	}
	rates->cut = (to->truncated - from->truncated) / seconds;
	rates->frames = (to->delivered - from->delivered) / seconds + rates->cut;
	rates->megabytes = ((to->delivered - from->delivered) * (double)after->format.sizeimage +
			    (to->truncated - from->truncated) * (double)after->slot_size) /
			   seconds / 1e6;
	rates->no_slot = (to->dropped_no_slot - from->dropped_no_slot) / seconds;
	rates->error = (to->dropped_error - from->dropped_error) / seconds;
	rates->stop = (to->dropped_stop - from->dropped_stop) / seconds;
	rates->card = (to->lost_by_card - from->lost_by_card) / seconds;
	return true;
}
