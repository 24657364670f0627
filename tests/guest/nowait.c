// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads by other calls than read(): RWF_NOWAIT and io_uring, which must not wait in the
 * driver, and splice(). Needs the virtual card.
 */
#include <dirent.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "card.h"
#include "frame_check.h"
#include "uring.h"

TEST(rwf_nowait)
{
	int fd = open_frames(O_RDONLY);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	uint32_t size = get_format(fd).sizeimage, number;
	struct iovec to = { malloc(size), size };
	struct grabber_take take;
	int64_t start;

	set_rate(RATE_HARDLY_ANY);
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	while (take_frame(fd, &take, NS_PER_S) == 0)
		must_give(fd, take.slot);
	start = now_ns();
	EXPECT_ERRNO(preadv2(fd, &to, 1, -1, RWF_NOWAIT), EAGAIN);
	EXPECT(now_ns() - start < NS_PER_S);
	set_rate(RATE_FAST);
	CHECK(poll(&ready, 1, 20000) == 1);
	CHECK(preadv2(fd, &to, 1, -1, RWF_NOWAIT) == (ssize_t)size);
	frame_check(frame_check_open(fd), to.iov_base, size, &number);
}

static unsigned int threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned int count = 0;

	CHECK(tasks);
	for (struct dirent *entry; (entry = readdir(tasks));)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

/* io_uring asks, sleeps by poll, and asks again: no thread of its own waits in the driver. */
TEST(io_uring_without_a_worker)
{
	int fd = open_frames(O_RDONLY);
	uint32_t size = get_format(fd).sizeimage, number;
	struct frame_check *check = frame_check_open(fd);
	uint8_t *frame = malloc(size);
	struct ring ring = open_ring();

	set_rate(RATE_FAST);
	for (int i = 0; i < 10; i++) {
		int got = transfer(&ring, IORING_OP_READ, fd, frame, size, -1);

		CHECK_MSG(got == (int)size, "io_uring read %d", got);
		frame_check(check, frame, size, &number);
	}
	EXPECT_MSG(threads() == 1, "%u threads: io_uring needed a worker", threads());
}

TEST(splice_to_a_pipe)
{
	int fd = open_frames(O_RDONLY), pipe_fds[2];
	uint32_t size = get_format(fd).sizeimage, number;
	struct frame_check *check = frame_check_open(fd);
	uint8_t *frame = malloc(size);

	set_rate(RATE_FAST);
	CHECK(pipe(pipe_fds) == 0);
	for (int i = 0; i < 5; i++) {
		for (size_t at = 0; at < size;) {
			ssize_t got = splice(fd, NULL, pipe_fds[1], NULL, 65536, 0);

			CHECK_MSG(got > 0, "splice(): %s", strerror(errno));
			for (ssize_t done = 0; done < got;) {
				ssize_t part = read(pipe_fds[0], frame + at, got - done);

				CHECK(part > 0);
				done += part;
				at += part;
			}
			CHECK(at <= size);
		}
		frame_check(check, frame, size, &number);
	}
	EXPECT(get_stats(fd).reader_delivered == 5);
}

/* The kernel's own refusal: they would drop what the other side does not take at once. */
TEST(sendfile_is_refused)
{
	int fd = open_frames(O_RDONLY), file = memfd_create("frames", 0);

	EXPECT_ERRNO(sendfile(file, fd, NULL, 65536), EINVAL);
	EXPECT_ERRNO(copy_file_range(fd, NULL, file, NULL, 65536, 0), EINVAL);
}

TEST(rate_back)
{
	set_rate(RATE_FAST);
}
