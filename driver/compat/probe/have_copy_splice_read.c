// SPDX-License-Identifier: GPL-2.0-only
/* copy_splice_read(): came with 6.5; generic_file_splice_read() before. */
#include <linux/fs.h>

static void have_copy_splice_read(void)
{
	(void)copy_splice_read;
}
