// SPDX-License-Identifier: GPL-2.0-only
/* Who may drive a device is said of each device in newer kernels, and of each kind of
 * bus in older ones.
 */
#include <linux/device.h>

static const char *have_device_driver_override(struct device *dev)
{
	return dev->driver_override.name;
}
