// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams and registers across resets of the card. Says READY; for each line on
 * standard input after that, sees that everything went on, and says WENT ON. The line
 * "flagged" wants a frame with the discontinuity flag besides, "end" ends.
 *
 * resets [CARD]
 */
#include "card.h"
#include "goes_on.h"

TEST_LIMIT(all_goes_on, 300)
{
	char line[32] = "";

	goes_on_begin(true);
	do {
		uint64_t flagged = goes_on->flagged;
		int64_t end = now_ns() + 30 * NS_PER_S;

		goes_on_expect("take", &goes_on->taken, goes_on->taken);
		goes_on_expect("read", &goes_on->read, goes_on->read);
		goes_on_expect("the mapping of registers", &goes_on->mapped, goes_on->mapped);
		goes_on_expect("pread of registers", &goes_on->called, goes_on->called);
		tap_note(*line ? "WENT ON" : "READY");
		CHECK(fgets(line, sizeof(line), stdin));
		while (!strcmp(line, "flagged\n") && goes_on->flagged == flagged)
			CHECK_MSG(now_ns() < end, "no frame has the discontinuity flag");
	} while (strcmp(line, "end\n"));
	goes_on_end();
}
