/* SPDX-License-Identifier: GPL-2.0-only */
/* Small files of one line or a few, as in sysfs and procfs. */
#ifndef GRABBERCTL_TEXTFILE_H
#define GRABBERCTL_TEXTFILE_H

#include <stddef.h>

/* The beginning of a file, without a line end at its end. Returns its length, or -errno. */
int textfile_read(const char *path, char *text, size_t size);

#endif
