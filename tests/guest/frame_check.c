// SPDX-License-Identifier: GPL-2.0-only
#include <linux/videodev2.h>

#include "card.h"
#include "../card/chart.h"
#include "frame_check.h"

struct frame_check {
	struct grabber_format format;
	bool is_chart;
	struct chart chart;
};

struct frame_check *frame_check_open(int fd)
{
	struct frame_check *check = calloc(1, sizeof(*check));

	CHECK(check);
	check->format = get_format(fd);
	check->is_chart = check->format.pixelformat == V4L2_PIX_FMT_RGB24;
	CHECK_MSG(check->is_chart || check->format.pixelformat == V4L2_PIX_FMT_GREY,
		  "frames of format %#x are not known", check->format.pixelformat);
	if (check->is_chart)
		CHECK(chart_init(&check->chart, check->format.width, check->format.height));
	return check;
}

/* Board edu: pixel (x, y) of frame n is (x ^ y) + n. */
static bool check_pattern(const struct grabber_format *format, const uint8_t *frame)
{
	for (uint32_t y = 0; y < format->height; y++)
		for (uint32_t x = 0; x < format->width; x++) {
			uint8_t got = frame[y * format->bytesperline + x];
			uint8_t want = (x ^ y) + frame[0];

			if (got == want)
				continue;
			EXPECT_MSG(false, "pixel (%u, %u) of frame %u is %#x, not %#x", x, y,
				   frame[0], got, want);
			return false;
		}
	return true;
}

static bool check_chart(struct frame_check *check, const uint8_t *frame)
{
	uint32_t number = chart_stamp(frame);
	const uint8_t *want = chart_render(&check->chart, number);

	for (uint32_t y = 0; y < check->format.height; y++) {
		const uint8_t *line = frame + (size_t)y * check->format.bytesperline;

		if (!memcmp(line, want + (size_t)y * check->format.width * CHART_BYTES_PER_PIXEL,
			    check->format.width * CHART_BYTES_PER_PIXEL))
			continue;
		EXPECT_MSG(false, "line %u of frame %u is not the chart's; its stamp says %u", y,
			   number, chart_stamp(line));
		return false;
	}
	return true;
}

bool frame_check(struct frame_check *check, const void *frame, size_t bytes, uint32_t *number)
{
	if (bytes != check->format.sizeimage) {
		EXPECT_MSG(false, "a frame of %zu bytes, not %u", bytes, check->format.sizeimage);
		return false;
	}
	if (check->is_chart) {
		*number = chart_stamp(frame);
		return check_chart(check, frame);
	}
	*number = *(const uint8_t *)frame;
	return check_pattern(&check->format, frame);
}

void good_frames(int fd, int count)
{
	struct grabber_buffer layout = get_buffer(fd);
	uint8_t *map = map_frames(fd, PROT_READ);
	struct frame_check *check = frame_check_open(fd);
	uint32_t number;

	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	while (count--) {
		struct grabber_take take = must_take(fd);

		EXPECT(take.slot < layout.slots && take.offset == take.slot * layout.stride);
		CHECK(frame_check(check, map + take.offset, take.bytes, &number));
		must_give(fd, take.slot);
	}
	munmap(map, layout.mmap_size);
	free(check);
}

uint32_t frame_check_mask(const struct frame_check *check)
{
	return check->is_chart ? ~0U : 0xff;
}
