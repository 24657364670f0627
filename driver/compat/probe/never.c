// SPDX-License-Identifier: GPL-2.0-only
/* The last of the probes. No kernel has this: where it compiles no answer is true. */

static void never(void)
{
	(void)grabber_no_kernel_has_this;
}
