// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams across a suspend to RAM. Says READY; then the machine is suspended and
 * woken up, and whoever did it says "resumed" on standard input.
 *
 * suspended [CARD]
 */
#include "card.h"
#include "goes_on.h"

TEST_LIMIT(frames_go_on_after_resume, 150)
{
	int64_t suspended_at;
	uint64_t taken, read;
	char line[32];

	goes_on_begin(false);
	goes_on_expect("take", &goes_on->taken, 0);
	goes_on_expect("read", &goes_on->read, 0);
	suspended_at = now_ns();
	tap_note("READY");
	CHECK(fgets(line, sizeof(line), stdin) && !strncmp(line, "resumed", 7));
	taken = goes_on->taken;
	read = goes_on->read;
	goes_on_expect("take", &goes_on->taken, taken);
	goes_on_expect("read", &goes_on->read, read);
	EXPECT_MSG(goes_on->last_flagged > suspended_at,
		   "no frame after the resume has the DISCONTINUITY flag");
	goes_on_end();
}
