// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames are ordinary memory: they go from the mapping to a disk with O_DIRECT, and
 * mappings have all pages from the start, and can be moved, shrunk and inherited.
 *
 * direct_io CARD DIRECTORY, the directory on a disk
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "card.h"
#include "frame_check.h"

#define RECORDED 24

static char path[256];

static int open_record(int flags)
{
	int fd;

	CHECK_MSG(tap_argc > 2, "say in which directory on a disk to write");
	snprintf(path, sizeof(path), "%s/frames", tap_argv[2]);
	fd = open(path, flags | O_DIRECT | O_CLOEXEC, 0600);
	CHECK_MSG(fd >= 0, "cannot open %s with O_DIRECT: %s", path, strerror(errno));
	return fd;
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	sync();
	CHECK(fd >= 0 && write(fd, "3", 1) == 1);
	close(fd);
}

/* One recording, as a program would make it: no byte is copied on the way. */
TEST_LIMIT(recorded_with_o_direct, 180)
{
	int fd = open_frames(O_RDONLY), file = open_record(O_RDWR | O_CREAT | O_TRUNC);
	struct grabber_buffer layout = get_buffer(fd);
	uint8_t *map = map_frames(fd, PROT_READ), *read_back;
	struct frame_check *check = frame_check_open(fd);
	uint64_t sums[RECORDED];
	size_t bytes = 0;

	for (int i = 0; i < RECORDED; i++) {
		struct grabber_take take = must_take(fd);
		ssize_t put = pwrite(file, map + take.offset, layout.stride, i * layout.stride);

		CHECK_MSG(put == (ssize_t)layout.stride, "O_DIRECT from the frames: %zd, %s", put,
			  strerror(errno));
		sums[i] = checksum(map + take.offset, take.bytes);
		bytes = take.bytes;
		must_give(fd, take.slot);
	}
	CHECK(fsync(file) == 0);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	drop_caches();
	read_back = mmap(NULL, layout.stride, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	for (int i = 0; i < RECORDED; i++) {
		uint32_t number;

		CHECK(pread(file, read_back, layout.stride, i * layout.stride) ==
		      (ssize_t)layout.stride);
		CHECK_MSG(checksum(read_back, bytes) == sums[i], "frame %d of the file differs", i);
		CHECK(frame_check(check, read_back, bytes, &number));
	}
}

/* The other way: the disk writes a frame that a program holds, as one that draws into
 * it would.
 */
TEST(o_direct_into_a_frame)
{
	int fd = open_frames(O_RDWR), file = open_record(O_RDWR | O_CREAT | O_TRUNC);
	struct grabber_buffer layout = get_buffer(fd);
	uint8_t *map = map_frames(fd, PROT_READ | PROT_WRITE), *all = map_frames(fd, PROT_READ);
	struct grabber_take take = must_take(fd);
	uint8_t *pattern = aligned_alloc(PAGE, layout.stride);

	for (size_t i = 0; i < layout.stride; i++)
		pattern[i] = i * 7 + i / 251;
	CHECK(pwrite(file, pattern, layout.stride, 0) == (ssize_t)layout.stride);
	CHECK(pread(file, map + take.offset, layout.stride, 0) == (ssize_t)layout.stride);
	EXPECT(!memcmp(map + take.offset, pattern, layout.stride));
	/* Not into what a program may not write. */
	EXPECT_ERRNO(pread(file, all + layout.status_offset, PAGE, 0), EFAULT);
	EXPECT_ERRNO(pread(file, all + take.offset, PAGE, 0), EFAULT);
	must_give(fd, take.slot);
}

/* Ended before the disk is done with the pages. */
TEST(killed_while_it_records)
{
	int fd = open_frames(O_RDONLY);

	for (int round = 0; round < 6; round++) {
		int status;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid) {
			int own = open_frames(O_RDONLY), file = open_record(O_RDWR | O_CREAT);
			struct grabber_buffer layout = get_buffer(own);
			uint8_t *map = map_frames(own, PROT_READ);

			for (;;) {
				struct grabber_take take = must_take(own);

				if (pwrite(file, map + take.offset, layout.stride, 0) < 0)
					_exit(1);
				must_give(own, take.slot);
			}
		}
		sleep_ms(150 + 40 * round);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid);
		EXPECT(WIFSIGNALED(status));
	}
	EXPECT(get_stats(fd).held == 0);
	must_give(fd, must_take(fd).slot);
}

static long faults(void)
{
	struct rusage usage;

	CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_minflt + usage.ru_majflt;
}

static long faults_of_a_walk(const volatile uint8_t *map, size_t size)
{
	long before = faults();

	for (size_t at = 0; at < size; at += PAGE)
		(void)map[at];
	return faults() - before;
}

/* All pages are there from the start, also in a child; taken out, they come back. */
TEST(no_page_faults)
{
	int fd = open_frames(O_RDWR), status;
	struct grabber_buffer layout = get_buffer(fd);
	long pages = layout.mmap_size / PAGE, came;
	pid_t pid;

	for (int prot = PROT_READ; prot <= (PROT_READ | PROT_WRITE); prot += PROT_WRITE) {
		size_t size = prot & PROT_WRITE ? layout.status_offset : layout.mmap_size;
		uint8_t *map = map_frames(fd, prot);

		came = faults_of_a_walk(map, size);
		EXPECT_MSG(came < 4, "%ld faults of %ld pages", came, pages);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid)
			_exit(faults_of_a_walk(map, size) < 4 ? 0 : 1);
		CHECK(waitpid(pid, &status, 0) == pid);
		EXPECT_MSG(status == 0, "a child has page faults");
		CHECK(madvise(map, size, MADV_DONTNEED) == 0);
		came = faults_of_a_walk(map, size);
		EXPECT_MSG(came > pages / 32, "%ld faults for %ld pages that were taken out",
			   came, pages);
		munmap(map, size);
	}
}

static void is_frame(const uint8_t *at, const struct grabber_take *take, struct frame_check *check)
{
	uint32_t number;

	CHECK(frame_check(check, at, take->bytes, &number));
}

TEST(moved_and_shrunk)
{
	int fd = open_frames(O_RDWR);
	struct frame_check *check = frame_check_open(fd);
	struct grabber_buffer layout = get_buffer(fd);
	uint8_t *map = map_frames(fd, PROT_READ | PROT_WRITE), *moved;
	struct grabber_take take = must_take(fd);
	size_t size = layout.status_offset;
	uint8_t value;

	is_frame(map + take.offset, &take, check);
	moved = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mremap(map, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == moved);
	EXPECT(probe_byte(map, &value) == SIGSEGV);
	is_frame(moved + take.offset, &take, check);
	/* Only the held slot of it, elsewhere. */
	map = mmap(NULL, layout.stride, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(mremap(moved + take.offset, layout.stride, layout.stride,
		     MREMAP_MAYMOVE | MREMAP_FIXED, map) == map);
	is_frame(map, &take, check);
	EXPECT(mremap(map, layout.stride, layout.stride + PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	EXPECT(mremap(map, layout.stride, layout.stride + PAGE, 0) == MAP_FAILED);
	CHECK(mremap(map, layout.stride, PAGE, 0) == map);
	EXPECT(probe_byte(map, &value) == 0);
	EXPECT(probe_byte(map + PAGE, &value) == SIGSEGV);
	EXPECT(mremap(map, PAGE, layout.stride, MREMAP_MAYMOVE) == MAP_FAILED);
}

/* What a debugger and a recorder of crashes do. */
TEST(read_by_another_process)
{
	int fd = open_frames(O_RDONLY), memory, status;
	struct frame_check *check = frame_check_open(fd);
	uint8_t *map = map_frames(fd, PROT_READ);
	struct grabber_take take = must_take(fd);
	pid_t parent = getpid(), pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		uint8_t *copy = malloc(take.bytes);
		struct iovec from = { map + take.offset, take.bytes };
		struct iovec to = { copy, take.bytes };
		char path[32];

		CHECK(munmap(map, get_buffer(fd).mmap_size) == 0);
		snprintf(path, sizeof(path), "/proc/%d/mem", parent);
		memory = open(path, O_RDONLY);
		CHECK(memory >= 0);
		CHECK(pread(memory, copy, from.iov_len, (off_t)(uintptr_t)from.iov_base) ==
		      (ssize_t)from.iov_len);
		is_frame(copy, &take, check);
		/* The debug kernel is built without it. */
		if (process_vm_readv(parent, &to, 0, &from, 0, 0)) {
			tap_note("no process_vm_readv in this kernel");
			tap_stop();
		}
		memset(copy, 0, take.bytes);
		CHECK(process_vm_readv(parent, &to, 1, &from, 1, 0) == (ssize_t)from.iov_len);
		is_frame(copy, &take, check);
		tap_stop();
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT(status == 0);
}

/* A child sees the frames that come after the fork as well, and shares them. */
TEST(inherited)
{
	int fd = open_frames(O_RDWR), told[2], status;
	struct frame_check *check = frame_check_open(fd);
	uint8_t *map = map_frames(fd, PROT_READ | PROT_WRITE);
	struct grabber_take take;
	pid_t pid;

	CHECK(pipe(told) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(read(told[0], &take, sizeof(take)) == sizeof(take));
		is_frame(map + take.offset, &take, check);
		map[take.offset] ^= 0xff;
		tap_stop();
	}
	for (int i = 0; i < 3; i++) {
		take = must_take(fd);
		if (i < 2)
			must_give(fd, take.slot);
	}
	is_frame(map + take.offset, &take, check);
	CHECK(write(told[1], &take, sizeof(take)) == sizeof(take));
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT(status == 0);
	map[take.offset] ^= 0xff;
	is_frame(map + take.offset, &take, check);
}

TEST(not_inherited)
{
	int fd = open_frames(O_RDONLY), status;
	size_t size = get_buffer(fd).mmap_size;
	uint8_t *map = map_frames(fd, PROT_READ), value;

	for (int keep = 0; keep <= 1; keep++) {
		pid_t pid;

		CHECK(madvise(map, size, keep ? MADV_DOFORK : MADV_DONTFORK) == 0);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid)
			_exit(probe_byte(map, &value) == (keep ? 0 : SIGSEGV) ? 0 : 1);
		CHECK(waitpid(pid, &status, 0) == pid);
		EXPECT_MSG(status == 0, "a child %s the mapping", keep ? "lacks" : "has");
		EXPECT(probe_byte(map, &value) == 0);
	}
}
