// SPDX-License-Identifier: GPL-2.0-only
/* What a frame holds: listed, asked for and set, as far as the board has a choice. */
#include <linux/videodev2.h>

#include "card.h"

static int set_format(int fd, struct grabber_format *format)
{
	return ioctl(fd, GRABBER_IOC_SET_FORMAT, format) ? errno : 0;
}

static bool same(struct grabber_format a, struct grabber_format b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static void refused(int fd, struct grabber_format format, int want)
{
	struct grabber_format before = get_format(fd), asked = format;
	int err = set_format(fd, &format);

	EXPECT_MSG(err == want, "%ux%u, %u bytes a line, %u a frame: %s, not %s", asked.width,
		   asked.height, asked.bytesperline, asked.sizeimage, strerror(err),
		   strerror(want));
	EXPECT_MSG(same(get_format(fd), before), "a refused format was set");
}

TEST(listed)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_format_choice choice = { .index = 0 }, bad;
	uint8_t *bytes = (uint8_t *)&bad.format;

	CHECK(ioctl(fd, GRABBER_IOC_ENUM_FORMAT, &choice) == 0);
	EXPECT(choice.index == 0);
	EXPECT_MSG(same(choice.format, get_format(fd)), "the only format is not the one there is");
	EXPECT(choice.flags == (!strcmp(get_info(fd).board, "generic") ? GRABBER_FORMAT_FREE : 0));
	for (uint32_t index = 1; index; index *= 2) {
		bad = (struct grabber_format_choice){ .index = index };
		EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_ENUM_FORMAT, &bad), EINVAL);
		bad = (struct grabber_format_choice){ .flags = index };
		EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_ENUM_FORMAT, &bad), EINVAL);
	}
	for (size_t i = 0; i < sizeof(bad.format); i++) {
		bad = (struct grabber_format_choice){ .index = 0 };
		bytes[i] = 1;
		EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_ENUM_FORMAT, &bad), EINVAL);
	}
}

TEST(what_there_is_can_be_set)
{
	int fd = open_frames(O_RDWR);
	struct grabber_format format = get_format(fd), before = format;

	CHECK(set_format(fd, &format) == 0);
	EXPECT(same(format, before) && same(get_format(fd), before));
}

TEST(reserved_must_be_zero)
{
	int fd = open_frames(O_RDWR);

	for (int i = 0; i < 3; i++) {
		struct grabber_format format = get_format(fd);

		format.reserved[i] = 1U << (i * 15);
		refused(fd, format, EINVAL);
	}
}

TEST(fixed_is_fixed)
{
	int fd = open_frames(O_RDWR);
	struct grabber_format format = get_format(fd);
	uint32_t *members[] = {
		&format.width, &format.height, &format.pixelformat, &format.bytesperline,
		&format.sizeimage,
	};

	if (!strcmp(get_info(fd).board, "generic"))
		tap_skip("this board takes any");
	CHECK(format.width && format.height && format.pixelformat);
	CHECK(format.bytesperline >= format.width);
	CHECK(format.sizeimage >= format.bytesperline * format.height);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		uint32_t value = *members[i];

		*members[i] = value - 1;
		refused(fd, format, EINVAL);
		*members[i] = 2 * value;
		refused(fd, format, EINVAL);
		*members[i] = 0;
		refused(fd, format, EINVAL);
		*members[i] = value;
	}
	CHECK(set_format(fd, &format) == 0);
}

/* For readers of any kind, and from the first frame on. */
TEST(frames_are_of_the_format)
{
	int fd = open_frames(O_RDWR);
	struct grabber_format format = get_format(fd);
	struct grabber_take take;

	if (!strcmp(get_info(fd).board, "generic"))
		tap_skip("its frames come from a program");
	take = must_take(fd);
	EXPECT(take.bytes == format.sizeimage);
	format.height--;
	EXPECT(set_format(fd, &format) != 0);
	must_give(fd, take.slot);
	EXPECT(must_take(fd).bytes == format.sizeimage);
}

TEST(free_is_free)
{
	int fd = open_frames(O_RDWR), other = open_frames(O_RDWR);
	struct grabber_buffer buffer = get_buffer(fd), larger = { 0 };
	struct grabber_format before = get_format(fd), format = {
		.width = 100, .height = 10, .pixelformat = V4L2_PIX_FMT_GREY, .bytesperline = 112,
	};

	if (strcmp(get_info(fd).board, "generic"))
		tap_skip("this board has one format");
	/* The driver works a frame's size out. */
	CHECK(set_format(fd, &format) == 0);
	EXPECT(format.sizeimage == 1120);
	EXPECT(same(get_format(other), format));
	format.sizeimage = 2000;
	CHECK(set_format(other, &format) == 0);
	EXPECT(format.sizeimage == 2000 && same(get_format(fd), format));
	/* Lines that do not fit the frame, and frames that do not fit a slot. */
	format.sizeimage = 1119;
	refused(fd, format, EINVAL);
	format.sizeimage = buffer.slot_size + 1;
	refused(fd, format, EINVAL);
	format.sizeimage = ~0U;
	refused(fd, format, EINVAL);
	format = (struct grabber_format){ .bytesperline = ~0U, .height = ~0U };
	refused(fd, format, EINVAL);
	refused(fd, (struct grabber_format){ 0 }, EINVAL);
	/* Larger slots, then larger frames, then no smaller slots: it cannot cut frames off. */
	larger.slot_size = buffer.slot_size + PAGE;
	CHECK(ioctl(fd, GRABBER_IOC_SET_BUFFER, &larger) == 0);
	format = (struct grabber_format){ .sizeimage = buffer.slot_size + 1 };
	CHECK(set_format(fd, &format) == 0);
	larger = (struct grabber_buffer){ .slot_size = buffer.slot_size };
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_SET_BUFFER, &larger), EINVAL);
	larger = (struct grabber_buffer){ 0 };
	CHECK(ioctl(fd, GRABBER_IOC_SET_BUFFER, &larger) == 0);
	EXPECT(larger.slot_size == buffer.slot_size + 1);
	/* Not while frames may come. */
	CHECK(ioctl(other, GRABBER_IOC_START) == 0);
	refused(fd, before, EBUSY);
	refused(other, before, EBUSY);
	CHECK(ioctl(other, GRABBER_IOC_STOP) == 0);
	CHECK(set_format(fd, &before) == 0);
	EXPECT(same(get_format(other), before));
}
