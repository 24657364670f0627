// SPDX-License-Identifier: GPL-2.0-only
/*
 * SET_BUFFER while others have a hand on the buffer: by a mapping, by capture, by a held
 * slot, by a dma-buf; and not by a read() in the middle of a frame.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "card.h"
#include "set_buffer.h"

TEST(busy_while_mapped)
{
	int fd = open_frames(O_RDWR), other;
	size_t size = get_buffer(fd).mmap_size;
	uint8_t *map = map_frames(fd, PROT_READ), *moved;

	is_busy(fd);
	other = open_frames(O_RDWR);
	is_busy(other);
	/* In parts, to the last one. */
	CHECK(munmap(map + PAGE, PAGE) == 0);
	is_busy(fd);
	CHECK(munmap(map, PAGE) == 0);
	is_busy(fd);
	CHECK(munmap(map + 3 * PAGE, size - 3 * PAGE) == 0);
	is_busy(fd);
	CHECK(munmap(map + 2 * PAGE, PAGE) == 0);
	is_free(fd);
	/* The status page alone; elsewhere; and shrunk. */
	size = get_buffer(fd).mmap_size;
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, size - PAGE);
	CHECK(map != MAP_FAILED);
	is_busy(fd);
	munmap(map, PAGE);
	is_free(fd);
	map = map_frames(fd, PROT_READ | PROT_WRITE);
	size = get_buffer(fd).status_offset;
	moved = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mremap(map, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == moved);
	is_busy(fd);
	CHECK(mremap(moved, size, PAGE, 0) == moved);
	is_busy(fd);
	CHECK(mprotect(moved, PAGE, PROT_NONE) == 0);
	is_busy(fd);
	/* Something else takes its place. */
	CHECK(mmap(moved, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == moved);
	is_free(fd);
	/* Without its descriptor. */
	map = map_frames(other, PROT_READ);
	close(other);
	is_busy(fd);
	munmap(map, get_buffer(fd).mmap_size);
	is_free(fd);
}

/* What never came to be, or came to nothing, does not count. */
TEST(failed_mappings_do_not_count)
{
	int fd = open_frames(O_RDWR);
	size_t size = get_buffer(fd).mmap_size;
	void *map;

	EXPECT(mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT(mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	EXPECT(mmap(NULL, size + PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, size) == MAP_FAILED);
	is_free(fd);
	map = map_frames(fd, PROT_READ);
	EXPECT(mremap(map, size, size + PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	/* Length 0 asks for a second mapping of the same: refused, as growing is. */
	EXPECT(mremap(map, 0, size, MREMAP_MAYMOVE) == MAP_FAILED);
	munmap(map, size);
	is_free(fd);
}

/* Child that does what it is told, one byte at a time. */
struct child {
	pid_t pid;
	int go;
};

static struct child start_child(void (*run)(int fd), int fd)
{
	int ready[2], go[2];
	struct child child;
	char byte;

	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	child.pid = fork();
	CHECK(child.pid >= 0);
	if (!child.pid) {
		if (run)
			run(fd);
		if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	child.go = go[1];
	CHECK(read(ready[0], &byte, 1) == 1);
	return child;
}

static void end_child(struct child child, bool by_kill)
{
	int status;

	if (by_kill)
		kill(child.pid, SIGKILL);
	else
		CHECK(write(child.go, "g", 1) == 1);
	CHECK(waitpid(child.pid, &status, 0) == child.pid);
	EXPECT(by_kill ? WIFSIGNALED(status) : status == 0);
}

static void map_and_take(int fd)
{
	map_frames(fd, PROT_READ);
	must_take(open_frames(O_RDONLY));
}

TEST(busy_in_other_programs)
{
	int fd = open_frames(O_RDWR);
	size_t size = get_buffer(fd).mmap_size;
	struct child child;
	void *map;

	for (int by_kill = 0; by_kill <= 1; by_kill++) {
		/* The copy that a fork made is there without the parent's. */
		map = map_frames(fd, PROT_READ);
		child = start_child(NULL, fd);
		munmap(map, size);
		is_busy(fd);
		end_child(child, by_kill);
		is_free(fd);
		/* A mapping, capture and a held slot, all of another program. */
		child = start_child(map_and_take, fd);
		is_busy(fd);
		end_child(child, by_kill);
		is_free(fd);
		size = get_buffer(fd).mmap_size;
	}
	map = map_frames(fd, PROT_READ);
	CHECK(madvise(map, size, MADV_DONTFORK) == 0);
	child = start_child(NULL, fd);
	is_busy(fd);
	munmap(map, size);
	/* The child never had it. */
	is_free(fd);
	end_child(child, false);
}

TEST(busy_while_capturing)
{
	int fd = open_frames(O_RDWR), other = open_frames(O_RDWR);
	struct pollfd poll_fd = { .fd = other, .events = POLLIN };

	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	is_busy(fd);
	is_busy(other);
	CHECK(ioctl(other, GRABBER_IOC_START) == 0);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	is_busy(fd);
	close(other);
	is_free(fd);
	/* poll wants frames too. */
	poll_fd.fd = open_frames(O_RDWR);
	poll(&poll_fd, 1, 0);
	is_busy(fd);
	CHECK(ioctl(poll_fd.fd, GRABBER_IOC_STOP) == 0);
	is_free(fd);
}

TEST(busy_while_held)
{
	int fd = open_frames(O_RDWR), other = open_frames(O_RDWR);
	struct grabber_take take;
	uint8_t byte;

	must_set(fd, 8, 0, NULL);
	take = must_take(other);
	CHECK(ioctl(other, GRABBER_IOC_STOP) == 0);
	is_busy(fd);
	must_give(other, take.slot);
	is_free(fd);
	CHECK(ioctl(other, GRABBER_IOC_START) == 0);
	take = must_take(other);
	CHECK(ioctl(other, GRABBER_IOC_STOP) == 0);
	is_busy(fd);
	close(other);
	is_free(fd);
	/* A read() in the middle of a frame holds nothing. It loses the frame, and is told. */
	other = open_frames(O_RDONLY);
	CHECK(read(other, &byte, 1) == 1);
	CHECK(ioctl(other, GRABBER_IOC_STOP) == 0);
	is_free(fd);
	EXPECT_ERRNO(read(other, &byte, 1), ESTALE);
	EXPECT_ERRNO(read(other, &byte, 1), ECANCELED);
	EXPECT(get_stats(other).reader_delivered == 0);
	close(other);
	is_free(fd);
}

/* To its last use: descriptor, then mapping. */
TEST(busy_while_exported)
{
	int fd = open_frames(O_RDWR);
	struct grabber_export args = { .flags = O_CLOEXEC };
	void *map;

	must_set(fd, 8, 0, NULL);
	args.slot = must_take(fd).slot;
	CHECK(ioctl(fd, GRABBER_IOC_EXPORT, &args) == 0);
	must_give(fd, args.slot);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	is_busy(fd);
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, args.fd, 0);
	CHECK(map != MAP_FAILED);
	close(args.fd);
	is_busy(fd);
	munmap(map, PAGE);
	is_free(fd);
}

/* Pages that a pipe has are the pipe's, whatever becomes of the buffer. */
TEST(pinned_pages_outlive_the_buffer)
{
	int fd = open_frames(O_RDWR), pipe_fds[2];
	uint8_t *map = map_frames(fd, PROT_READ), *frame = malloc(PAGE * 4), *got = malloc(PAGE * 4);
	size_t size = get_buffer(fd).mmap_size;
	struct grabber_take take = must_take(fd);
	struct iovec part = { map + take.offset, take.bytes < 4 * PAGE ? PAGE : 4 * PAGE };

	memcpy(frame, part.iov_base, part.iov_len);
	CHECK(pipe(pipe_fds) == 0);
	CHECK(vmsplice(pipe_fds[1], &part, 1, 0) == (ssize_t)part.iov_len);
	must_give(fd, take.slot);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	is_busy(fd);
	munmap(map, size);
	/* The old buffer is gone, and others use what it had. */
	for (int i = 0; i < 5; i++) {
		must_set(fd, 6 + i % 2, 0, NULL);
		CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
		for (int j = 0; j < 8; j++)
			must_give(fd, must_take(fd).slot);
		CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	}
	CHECK(read(pipe_fds[0], got, part.iov_len) == (ssize_t)part.iov_len);
	EXPECT_MSG(!memcmp(frame, got, part.iov_len), "what was in the pipe changed");
}
