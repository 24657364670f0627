// SPDX-License-Identifier: GPL-2.0-only
/* Somebody sleeps until an interrupt of the user logic when the card leaves. */
#include "card.h"

TEST_LIMIT(lines_gone, 200)
{
	int bar = open_bar(O_RDWR);
	struct pollfd fd = { .fd = bar, .events = POLLIN };
	struct grabber_irqs irqs = { 0 };

	CHECK(unmask_irqs(bar, 0xffff) == 0);
	tap_note("READY");
	CHECK(poll(&fd, 1, 150000) == 1);
	EXPECT_MSG(fd.revents == (POLLERR | POLLHUP), "poll() says %#x", fd.revents);
	EXPECT(ioctl(bar, GRABBER_IOC_GET_IRQS, &irqs) == 0 && !irqs.lines);
	EXPECT(unmask_irqs(bar, 1) == ENODEV);
}
