// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a buffer of eight frames costs, in instructions: to have it made, to map it, and
 * to look at each of its pages for the first time; the same of V4L2 (vivid). Runs in a
 * machine whose time stamp counter counts them (QEMU -icount shift=0), with a virtual
 * card. frames.py starts it and prints what it found.
 *
 * Prints "NAME MEDIAN LOWEST HIGHEST" for each thing that was measured.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <linux/videodev2.h>

#include <grabber.h>

#include "counted.h"

#define PAGE	4096
#define WIDTH	1920
#define HEIGHT	1080
#define FRAME	(WIDTH * HEIGHT * 3)
#define FRAMES	8
#define PAGES	(FRAMES * ((FRAME + PAGE - 1) / PAGE))
#define SAMPLES	5
#define SMALLEST (FRAME / 64)	/* slots are never smaller */

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

static void walk(const volatile uint8_t *map, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		(void)map[at];
}

/* Instructions of a SET_BUFFER */
static uint64_t set_buffer(int fd, uint32_t slots, uint32_t size)
{
	struct grabber_buffer wish = { .slots = slots, .slot_size = size };
	uint64_t begin = instructions();

	if (ioctl(fd, GRABBER_IOC_SET_BUFFER, &wish))
		die("SET_BUFFER");
	return instructions() - begin;
}

static void measure_grabber(void)
{
	uint64_t first[SAMPLES], again[SAMPLES], map_page[SAMPLES], look[SAMPLES], came[SAMPLES];
	int fd = open("/dev/grabber0", O_RDWR);
	struct grabber_buffer buffer;

	if (fd < 0)
		die("/dev/grabber0");
	for (int i = 0; i < SAMPLES; i++) {
		set_buffer(fd, 2, SMALLEST);
		first[i] = set_buffer(fd, FRAMES, FRAME);
		again[i] = set_buffer(fd, FRAMES, FRAME);
	}
	if (ioctl(fd, GRABBER_IOC_GET_BUFFER, &buffer) || buffer.status_offset != PAGES * PAGE)
		die("GET_BUFFER");
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t begin = instructions(), mapped, walked;
		uint8_t *map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		long before;

		if (map == MAP_FAILED)
			die("mmap");
		mapped = instructions();
		before = faults();
		walked = instructions();
		walk(map, PAGES * PAGE);
		look[i] = (instructions() - walked) / PAGES;
		came[i] = faults() - before;
		map_page[i] = (mapped - begin) / PAGES;
		munmap(map, PAGES * PAGE);
	}
	report("set_buffer", first, SAMPLES);
	report("set_buffer_again", again, SAMPLES);
	report("mmap_page", map_page, SAMPLES);
	report("mmap_walk", look, SAMPLES);
	report("mmap_faults", came, SAMPLES);
	close(fd);
}

/* Instructions of a REQBUFS */
static uint64_t reqbufs(int fd, uint32_t count)
{
	struct v4l2_requestbuffers wish = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	uint64_t begin = instructions();

	if (ioctl(fd, VIDIOC_REQBUFS, &wish))
		die("REQBUFS");
	if (wish.count != count)
		die("REQBUFS: fewer buffers");
	return instructions() - begin;
}

static int open_vivid(void)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = { .width = WIDTH, .height = HEIGHT, .pixelformat = V4L2_PIX_FMT_RGB24 },
	};
	int fd = open("/dev/video0", O_RDWR), input = 0;

	if (fd < 0)
		die("/dev/video0");
	if (ioctl(fd, VIDIOC_S_INPUT, &input) || ioctl(fd, VIDIOC_S_FMT, &format))
		die("S_FMT");
	if (format.fmt.pix.sizeimage != FRAME)
		die("vivid has frames of another size");
	return fd;
}

static void measure_vivid(void)
{
	uint64_t first[SAMPLES], again[SAMPLES], map_page[SAMPLES], look[SAMPLES];
	int fd = open_vivid();

	for (int i = 0; i < SAMPLES; i++) {
		reqbufs(fd, 0);
		first[i] = reqbufs(fd, FRAMES);
		again[i] = reqbufs(fd, FRAMES);
	}
	for (int i = 0; i < SAMPLES; i++) {
		uint8_t *maps[FRAMES];
		uint64_t begin = instructions(), mapped;

		for (int j = 0; j < FRAMES; j++) {
			struct v4l2_buffer buffer = {
				.index = j,
				.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
				.memory = V4L2_MEMORY_MMAP,
			};

			if (ioctl(fd, VIDIOC_QUERYBUF, &buffer))
				die("QUERYBUF");
			maps[j] = mmap(NULL, FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				       buffer.m.offset);
			if (maps[j] == MAP_FAILED)
				die("mmap of vivid");
		}
		mapped = instructions();
		for (int j = 0; j < FRAMES; j++)
			walk(maps[j], FRAME);
		look[i] = (instructions() - mapped) / PAGES;
		map_page[i] = (mapped - begin) / PAGES;
		for (int j = 0; j < FRAMES; j++)
			munmap(maps[j], FRAME);
	}
	report("vivid_reqbufs", first, SAMPLES);
	report("vivid_reqbufs_again", again, SAMPLES);
	report("vivid_mmap_page", map_page, SAMPLES);
	report("vivid_walk", look, SAMPLES);
}

int main(void)
{
	measure_grabber();
	measure_vivid();
	return 0;
}
