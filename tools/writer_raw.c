// SPDX-License-Identifier: GPL-2.0-only
#include "writer.h"

int write_raw(struct output *output, const struct frame *frame, size_t sizeimage)
{
	static const uint8_t zeros[4096];
	size_t bytes = frame->bytes;

	if (sizeimage && bytes > sizeimage)
		bytes = sizeimage;
	if (output_write(output, frame->data, bytes))
		return -1;
	while (bytes < sizeimage) {
		size_t part = sizeimage - bytes;

		if (part > sizeof(zeros))
			part = sizeof(zeros);
		if (output_write(output, zeros, part))
			return -1;
		bytes += part;
	}
	return 0;
}
