// SPDX-License-Identifier: GPL-2.0-only
/* The frame node as a file: read(), write(), seeking, odd buffers. */
#include <sys/uio.h>

#include "card.h"

/* Reads exactly so many bytes, as cat and dd do; the file is a byte stream. */
static void read_whole(int fd, uint8_t *into, size_t bytes)
{
	size_t at = 0;

	while (at < bytes) {
		ssize_t got = read(fd, into + at, bytes - at);

		CHECK_MSG(got > 0, "read() after %zu of %zu bytes: %s", at, bytes,
			  got ? strerror(errno) : "end of file");
		at += got;
	}
}

TEST(write_is_refused)
{
	int fd = open_frames(O_RDWR), readonly = open_frames(O_RDONLY);
	uint8_t bytes[16] = { 0 };

	EXPECT_ERRNO(write(fd, bytes, sizeof(bytes)), EINVAL);
	EXPECT_ERRNO(write(readonly, bytes, sizeof(bytes)), EBADF);
}

TEST(no_position)
{
	int fd = open_frames(O_RDONLY);
	uint8_t bytes[16];

	EXPECT_ERRNO(lseek(fd, 0, SEEK_SET), ESPIPE);
	EXPECT_ERRNO(lseek(fd, 0, SEEK_CUR), ESPIPE);
	EXPECT_ERRNO(lseek(fd, 1 << 20, SEEK_END), ESPIPE);
	EXPECT_ERRNO(pread(fd, bytes, sizeof(bytes), 0), ESPIPE);
}

TEST(read_of_nothing)
{
	int fd = open_frames(O_RDONLY);

	EXPECT(read(fd, NULL, 0) == 0);
}

TEST(read_bad_pointers)
{
	int fd = open_frames(O_RDONLY);
	void *readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *const bad[] = {
		NULL, (void *)1, none, readonly, (void *)0xffff888000000000,
		(void *)0xffffffff81000000, (void *)0x8000000000000000,
	};
	size_t frame = get_buffer(fd).slot_size;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_ERRNO(read(fd, bad[i], 16), EFAULT);
		EXPECT_ERRNO(read(fd, bad[i], frame), EFAULT);
	}
	EXPECT(get_stats(fd).held <= 1 && get_stats(fd).reader_delivered <= 1);
	/* The frame that could not be told of is not lost, and the stream goes on. */
	readonly = malloc(frame);
	EXPECT(read(fd, readonly, frame) > 0 && get_stats(fd).reader_delivered == 1);
	EXPECT(read(fd, readonly, frame) > 0 && get_stats(fd).reader_delivered == 2);
	EXPECT(get_stats(fd).held == 0);
}

/* A buffer whose end cannot be written: what fits is given, or EFAULT; no more. */
TEST(read_into_half_a_buffer)
{
	int fd = open_frames(O_RDONLY);
	uint8_t *area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t got;

	CHECK(mprotect(area + PAGE, PAGE, PROT_NONE) == 0);
	got = read(fd, area + PAGE - 1000, 2000);
	EXPECT_MSG((got == -1 && errno == EFAULT) || got == 1000,
		   "read() into 1000 good bytes of 2000 gave %zd, errno %d", got, errno);
}

/* Frames whole and in order, in whatever pieces they are read. */
TEST_LIMIT(read_in_pieces, 120)
{
	size_t size, pieces[] = { 1, 13, 4095, 4096, 4097, 65536 };
	int fd = open_frames(O_RDONLY), taker;
	uint8_t *frame;

	size = get_format(fd).sizeimage;
	if (!size)
		tap_skip("the board does not know the size of its frames");
	frame = malloc(size);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		uint64_t before = get_stats(fd).reader_delivered, begun;
		size_t at = 0;

		while (at < size) {
			size_t want = pieces[i] < size - at ? pieces[i] : size - at;

			/* a byte at a time only for a while */
			if (at > 2000 && want < 4095)
				want = size - at;
			read_whole(fd, frame + at, want);
			at += want;
		}
		begun = get_stats(fd).reader_delivered;
		EXPECT_MSG(begun == before + 1, "%llu frames for the bytes of one",
			   (unsigned long long)(begun - before));
	}
	taker = open_frames(O_RDONLY);
	EXPECT(get_stats(taker).held == 0);
}

/* readv() fills its buffers as one. */
TEST(read_into_two_buffers)
{
	int fd = open_frames(O_RDONLY);
	uint8_t a[100], b[200];
	struct iovec parts[] = { { a, sizeof(a) }, { b, sizeof(b) } };
	ssize_t got = readv(fd, parts, 2);

	EXPECT_MSG(got == 300 || got == 100, "readv() of 300 bytes gave %zd", got);
}

/* As many opens as one likes; each has its own cursor. */
TEST(many_opens)
{
	int fds[60];

	for (int i = 0; i < 60; i++)
		fds[i] = open_frames(i % 2 ? O_RDONLY : O_RDWR);
	EXPECT(get_stats(fds[0]).readers == 60);
	for (int i = 0; i < 60; i += 20)
		must_give(fds[i], must_take(fds[i]).slot);
	for (int i = 0; i < 59; i++)
		close(fds[i]);
	EXPECT(get_stats(fds[59]).readers == 1);
}

TEST(start_and_stop)
{
	int fd = open_frames(O_RDONLY), other = open_frames(O_RDONLY);
	struct grabber_stats before;

	EXPECT(!(get_info(fd).flags & GRABBER_INFO_STREAMING));
	for (int i = 0; i < 3; i++) {
		CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
		CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
		EXPECT(get_info(fd).flags & GRABBER_INFO_STREAMING);
		CHECK(ioctl(other, GRABBER_IOC_START) == 0);
		CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
		/* the other one still wants it */
		EXPECT(get_info(fd).flags & GRABBER_INFO_STREAMING);
		must_give(other, must_take(other).slot);
		CHECK(ioctl(other, GRABBER_IOC_STOP) == 0);
		CHECK(ioctl(other, GRABBER_IOC_STOP) == 0);
		EXPECT(!(get_info(fd).flags & GRABBER_INFO_STREAMING));
	}
	before = get_stats(fd);
	sleep_ms(500);
	EXPECT_MSG(get_stats(fd).begun == before.begun, "frames begin after STOP");
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	close(fd);
	EXPECT(!(get_info(other).flags & GRABBER_INFO_STREAMING));
}
