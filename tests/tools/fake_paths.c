// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

const char *fake_class_dir(void)
{
	const char *dir = getenv("FAKE_CLASS_DIR");

	return dir ? dir : "/sys/class/grabber";
}

const char *fake_dev_dir(void)
{
	const char *dir = getenv("FAKE_DEV_DIR");

	return dir ? dir : "/dev";
}

const char *fake_root(void)
{
	const char *dir = getenv("FAKE_ROOT");

	return dir ? dir : "";
}
