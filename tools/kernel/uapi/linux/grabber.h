/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's name for our public header. */
#include <linux/grabber.h>
