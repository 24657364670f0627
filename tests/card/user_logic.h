/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user logic's interrupts: 16 lines into the core (usr_irq_req), each of which stays
 * up until the user logic is told. By registers of the video source's BAR, beside those
 * for faults; a test on the host raises lines through the control socket.
 */
#ifndef CARD_USER_LOGIC_H
#define CARD_USER_LOGIC_H

#define USER_LOGIC_BASE		0x900
#define USER_LOGIC_LEVEL	0x900	/* RW the lines that are up; writing 1 takes one down */
#define USER_LOGIC_RAISE	0x904	/* WO the lines with a 1 go up */
#define USER_LOGIC_RAISED	0x940	/* RO how often each went up, 16 registers */
#define USER_LOGIC_END		0x980
#define USER_LOGIC_LINES	16

#ifndef USER_LOGIC_REGISTERS_ONLY
#include <stdint.h>

struct user_logic {
	uint32_t level;
	uint32_t raised[USER_LOGIC_LINES];
};

uint32_t user_logic_read(const struct user_logic *u, uint32_t offset);
/* The caller then brings the core's interrupts up to date */
void user_logic_write(struct user_logic *u, uint32_t offset, uint32_t value);
#endif

#endif
