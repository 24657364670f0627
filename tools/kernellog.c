// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_root.h"
#include "kernellog.h"

int kernellog_open(void)
{
	char *path = root_path("/dev/kmsg");
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	free(path);
	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

void kernellog_last(int fd, const char *bus, char *text, size_t size)
{
	char record[8192], mark[64], *said;
	ssize_t length;

	text[0] = 0;
	snprintf(mark, sizeof(mark), ";grabber %s: ", bus);
	/* A record each. EPIPE: some were overwritten meanwhile. */
	while ((length = read(fd, record, sizeof(record) - 1)) > 0 ||
	       (length < 0 && (errno == EPIPE || errno == EINTR))) {
		if (length <= 0)
			continue;
		record[length] = 0;
		record[strcspn(record, "\n")] = 0;
		said = strstr(record, mark);
		/* The kernel's own remark says less. */
		if (said && !strstr(said, "failed with error"))
			snprintf(text, size, "%s", said + strlen(mark));
	}
}
