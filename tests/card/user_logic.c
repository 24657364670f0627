// SPDX-License-Identifier: GPL-2.0-only
#include "user_logic.h"

#define ALL	((1u << USER_LOGIC_LINES) - 1)

uint32_t user_logic_read(const struct user_logic *u, uint32_t offset)
{
	if (offset == USER_LOGIC_LEVEL)
		return u->level;
	if (offset >= USER_LOGIC_RAISED)
		return u->raised[(offset - USER_LOGIC_RAISED) / 4];
	return 0;
}

void user_logic_write(struct user_logic *u, uint32_t offset, uint32_t value)
{
	value &= ALL;
	if (offset == USER_LOGIC_LEVEL) {
		u->level &= ~value;
	} else if (offset == USER_LOGIC_RAISE) {
		for (int line = 0; line < USER_LOGIC_LINES; line++)
			if (value & ~u->level & 1u << line)
				u->raised[line]++;
		u->level |= value;
	}
}
