// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another driver gets frames without a copy: vivid, the kernel's virtual video device,
 * sends them by its HDMI output, whose queue takes dma-bufs (V4L2_MEMORY_DMABUF), and
 * gives them back by its HDMI input. What comes out there must be the frame.
 *
 * vivid_import CARD; vivid with one HDMI input, one HDMI output, at the card's size.
 */
#include <linux/videodev2.h>

#include "card.h"

#define FRAMES 2	/* as many as vivid wants in its queue */

static int vivid_node(uint32_t capability)
{
	for (int i = 0; i < 16; i++) {
		struct v4l2_capability is;
		char path[32];
		int fd;

		snprintf(path, sizeof(path), "/dev/video%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && !ioctl(fd, VIDIOC_QUERYCAP, &is) &&
		    !strcmp((char *)is.driver, "vivid") && (is.device_caps & capability))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	CHECK_MSG(false, "vivid has no node of capability %#x", capability);
	return -1;
}

/* Controls of vivid's own have no number in a header: by name. */
static void set_control(int fd, const char *name, int value)
{
	struct v4l2_queryctrl control = { .id = V4L2_CTRL_FLAG_NEXT_CTRL };

	while (!ioctl(fd, VIDIOC_QUERYCTRL, &control)) {
		struct v4l2_control set = { .id = control.id, .value = value };

		if (!strcmp((char *)control.name, name)) {
			CHECK_MSG(!ioctl(fd, VIDIOC_S_CTRL, &set), "%s: %s", name, strerror(errno));
			return;
		}
		control.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	}
	CHECK_MSG(false, "vivid has no control \"%s\"", name);
}

static void set_format(int fd, uint32_t type, const struct grabber_format *frame)
{
	struct v4l2_format format = { .type = type };

	CHECK(ioctl(fd, VIDIOC_G_FMT, &format) == 0);
	format.fmt.pix.width = frame->width;
	format.fmt.pix.height = frame->height;
	format.fmt.pix.pixelformat = frame->pixelformat;
	format.fmt.pix.bytesperline = frame->bytesperline;
	format.fmt.pix.field = V4L2_FIELD_NONE;
	CHECK(ioctl(fd, VIDIOC_S_FMT, &format) == 0);
	CHECK_MSG(format.fmt.pix.width == frame->width && format.fmt.pix.height == frame->height &&
		  format.fmt.pix.pixelformat == frame->pixelformat &&
		  format.fmt.pix.bytesperline == frame->bytesperline &&
		  format.fmt.pix.sizeimage == frame->sizeimage,
		  "vivid makes %ux%u of %ux%u", format.fmt.pix.width, format.fmt.pix.height,
		  frame->width, frame->height);
}

static void request(int fd, uint32_t type, uint32_t memory, uint32_t count)
{
	struct v4l2_requestbuffers args = { .count = count, .type = type, .memory = memory };

	CHECK_MSG(!ioctl(fd, VIDIOC_REQBUFS, &args), "REQBUFS: %s", strerror(errno));
	CHECK(args.count == count);
}

static void stream(int fd, uint32_t type, bool on)
{
	CHECK_MSG(!ioctl(fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type), "stream %d: %s", on,
		  strerror(errno));
}

static void send_frame(int fd, uint32_t index, int dmabuf, uint32_t bytes)
{
	struct v4l2_buffer buffer = {
		.index = index, .type = V4L2_BUF_TYPE_VIDEO_OUTPUT, .memory = V4L2_MEMORY_DMABUF,
		.field = V4L2_FIELD_NONE, .bytesused = bytes, .m.fd = dmabuf,
	};

	CHECK_MSG(!ioctl(fd, VIDIOC_QBUF, &buffer), "vivid does not take the dma-buf: %s",
		  strerror(errno));
}

static void queue_capture(int fd, uint32_t index)
{
	struct v4l2_buffer buffer = {
		.index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP,
	};

	CHECK(ioctl(fd, VIDIOC_QBUF, &buffer) == 0);
}

static uint8_t *map_capture(int fd, uint32_t index)
{
	struct v4l2_buffer buffer = {
		.index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP,
	};
	uint8_t *map;

	CHECK(ioctl(fd, VIDIOC_QUERYBUF, &buffer) == 0);
	map = mmap(NULL, buffer.length, PROT_READ, MAP_SHARED, fd, buffer.m.offset);
	CHECK(map != MAP_FAILED);
	return map;
}

static uint32_t receive(int fd)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP,
	};
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	CHECK_MSG(poll(&poll_fd, 1, 20000) == 1, "vivid captures nothing");
	CHECK(ioctl(fd, VIDIOC_DQBUF, &buffer) == 0);
	return buffer.index;
}

/* The pictures that come in become the frame that was sent last, and stay that. */
static void compare(int in, uint8_t *const pictures[FRAMES], uint8_t *const frames[FRAMES],
		    size_t bytes)
{
	unsigned int seen[FRAMES] = { 0 }, others = 0;

	while (seen[FRAMES - 1] < 5) {
		uint32_t index = receive(in);
		int which = 0;

		while (which < FRAMES && memcmp(pictures[index], frames[which], bytes))
			which++;
		if (which < FRAMES)
			seen[which]++;
		else
			others++;
		/* A picture of vivid's own may come before the loop is closed. */
		CHECK_MSG(others < 10, "none of vivid's pictures is the frame");
		EXPECT_MSG(which == FRAMES - 1 || !seen[FRAMES - 1], "the picture changed again");
		queue_capture(in, index);
	}
	tap_note("pictures: %u of the first frame, %u of the last, %u others", seen[0],
		 seen[FRAMES - 1], others);
}

TEST_LIMIT(picture_comes_out_of_vivid, 180)
{
	int fd = open_frames(O_RDWR), dmabufs[FRAMES];
	struct grabber_format format = get_format(fd);
	int out = vivid_node(V4L2_CAP_VIDEO_OUTPUT), in = vivid_node(V4L2_CAP_VIDEO_CAPTURE);
	uint8_t *map = map_frames(fd, PROT_READ), *frames[FRAMES], *pictures[FRAMES];
	uint64_t begun;

	set_control(in, "Loop Video", 1);
	set_control(in, "OSD Text Mode", 2);	/* none: nothing is drawn over the picture */
	set_format(out, V4L2_BUF_TYPE_VIDEO_OUTPUT, &format);
	set_format(in, V4L2_BUF_TYPE_VIDEO_CAPTURE, &format);
	request(out, V4L2_BUF_TYPE_VIDEO_OUTPUT, V4L2_MEMORY_DMABUF, FRAMES);
	request(in, V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_MEMORY_MMAP, FRAMES);
	for (int i = 0; i < FRAMES; i++) {
		struct grabber_take take = must_take(fd);
		struct grabber_export args = { .slot = take.slot, .flags = O_RDONLY };

		CHECK(take.bytes == format.sizeimage);
		CHECK(ioctl(fd, GRABBER_IOC_EXPORT, &args) == 0);
		dmabufs[i] = args.fd;
		frames[i] = malloc(take.bytes);
		memcpy(frames[i], map + take.offset, take.bytes);
		send_frame(out, i, dmabufs[i], take.bytes);
		must_give(fd, take.slot);
		close(dmabufs[i]);
		pictures[i] = map_capture(in, i);
		queue_capture(in, i);
	}
	CHECK(memcmp(frames[0], frames[1], format.sizeimage));
	/* vivid alone has them now, and the card goes on in the other slots. */
	EXPECT(get_stats(fd).held == FRAMES);
	begun = get_stats(fd).begun;
	stream(out, V4L2_BUF_TYPE_VIDEO_OUTPUT, true);
	stream(in, V4L2_BUF_TYPE_VIDEO_CAPTURE, true);
	while (get_stats(fd).begun < begun + 2 * get_buffer(fd).slots)
		must_give(fd, must_take(fd).slot);
	compare(in, pictures, frames, format.sizeimage);
	EXPECT(get_stats(fd).held == FRAMES);

	stream(in, V4L2_BUF_TYPE_VIDEO_CAPTURE, false);
	stream(out, V4L2_BUF_TYPE_VIDEO_OUTPUT, false);
	request(out, V4L2_BUF_TYPE_VIDEO_OUTPUT, V4L2_MEMORY_DMABUF, 0);
	EXPECT_MSG(get_stats(fd).held == 0, "vivid let go of the frames, but %u are held",
		   get_stats(fd).held);
	check_sums(get_stats(fd));
}
