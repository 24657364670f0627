// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nobody can write the status page, or gets a mapping by which he could; frames can be
 * written in a mapping of slots alone.
 *
 * status_readonly [CARD]
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "card.h"

struct region {
	int fd;
	struct grabber_buffer buffer;
	uint8_t *map;		/* all, to be read */
	uint8_t *status;
	uint8_t *slots;		/* where they may be written, else as @map */
};

static struct region map_region(int open_flags)
{
	struct region region = { .fd = open_frames(open_flags) };

	region.buffer = get_buffer(region.fd);
	region.map = map_frames(region.fd, PROT_READ);
	region.status = region.map + region.buffer.status_offset;
	region.slots = region.map;
	if (open_flags == O_RDWR)
		region.slots = map_frames(region.fd, PROT_READ | PROT_WRITE);
	return region;
}

/* The signal that one byte's write is answered with, in a program of its own. */
static int write_signal(uint8_t *at)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		*(volatile uint8_t *)at ^= 0xff;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void expect_signal(uint8_t *at, int want, const char *what)
{
	uint8_t before = *(volatile uint8_t *)at, after;
	int got = write_signal(at);

	after = *(volatile uint8_t *)at;
	EXPECT_MSG(got == want, "%s: signal %d, not %d", what, got, want);
	EXPECT_MSG((before == after) == (want != 0), "%s: %#x before, %#x after", what, before,
		   after);
}

/* Where a mapping reaches into the status page, it is not writable. */
TEST(no_writable_mapping)
{
	int fd = open_frames(O_RDWR);
	struct grabber_buffer buffer = get_buffer(fd);
	const struct { size_t offset, size; } parts[] = {
		{ 0, buffer.mmap_size },
		{ 0, buffer.status_offset + PAGE },
		{ 0, buffer.status_offset + 1 },
		{ buffer.status_offset - PAGE, 2 * PAGE },
		{ buffer.status_offset, buffer.status_size },
		{ buffer.mmap_size - PAGE, PAGE },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t size = parts[i].size;
		uint8_t *map;

		for (int prot = PROT_WRITE; prot <= (PROT_READ | PROT_WRITE); prot += PROT_READ)
			EXPECT_ERRNO(mmap(NULL, size, prot, MAP_SHARED, fd, parts[i].offset), EACCES);
		EXPECT_ERRNO(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
				  parts[i].offset), EACCES);
		map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, parts[i].offset);
		CHECK(map != MAP_FAILED);
		EXPECT_ERRNO(mprotect(map, size, PROT_READ | PROT_WRITE), EACCES);
		EXPECT_ERRNO(mprotect(map, PAGE, PROT_READ | PROT_WRITE), EACCES);
		EXPECT_ERRNO(mprotect(map, PAGE, PROT_WRITE), EACCES);
		expect_signal(map, SIGSEGV, "a byte of a mapping that may not be written");
		munmap(map, size);
	}
	/* What was refused is no mapping: the buffer can be changed. */
	EXPECT(ioctl(fd, GRABBER_IOC_SET_BUFFER, &(struct grabber_buffer){ 0 }) == 0);
}

/* Slots alone may be, to their last byte; and such a mapping does not get at more. */
TEST(writable_slots)
{
	struct region region = map_region(O_RDWR);
	size_t size = region.buffer.status_offset;
	uint8_t *map = mmap(NULL, size, PROT_READ, MAP_SHARED, region.fd, 0);

	CHECK(map != MAP_FAILED);
	expect_signal(map, SIGSEGV, "a slot before it may be written");
	CHECK(mprotect(map, size, PROT_READ | PROT_WRITE) == 0);
	expect_signal(map, 0, "first byte of the first slot");
	expect_signal(map + size - 1, 0, "last byte of the last slot");
	expect_signal(region.slots + size - 1, 0, "last byte of the last slot");
	EXPECT(mremap(map, size, size + PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	EXPECT(mremap(map + size - PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	/* Taken out and put in again, it is as it was. */
	CHECK(madvise(map, size, MADV_DONTNEED) == 0);
	expect_signal(map + size - 1, 0, "last byte of the last slot, put in again");
}

TEST(read_again)
{
	struct region region = map_region(O_RDWR);
	struct grabber_status *status = (struct grabber_status *)region.status;

	CHECK(madvise(region.map, region.buffer.mmap_size, MADV_DONTNEED) == 0);
	EXPECT(status->abi_version == GRABBER_ABI_VERSION);
	for (size_t page = 0; page < region.buffer.status_size; page += PAGE) {
		expect_signal(region.status + page, SIGSEGV, "first byte of a status page");
		expect_signal(region.status + page + PAGE - 1, SIGSEGV, "last byte of it");
	}
}

TEST(moved)
{
	struct region region = map_region(O_RDWR);
	uint8_t *page = mremap(region.status, region.buffer.status_size,
			       region.buffer.status_size, MREMAP_MAYMOVE);

	CHECK(page != MAP_FAILED);
	expect_signal(page, SIGSEGV, "after mremap()");
	EXPECT_ERRNO(mprotect(page, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

TEST(read_only_file)
{
	struct region region = map_region(O_RDONLY);

	EXPECT(((struct grabber_status *)region.status)->abi_version == GRABBER_ABI_VERSION);
	EXPECT_ERRNO(mprotect(region.status, PAGE, PROT_READ | PROT_WRITE), EACCES);
	EXPECT_ERRNO(mprotect(region.map, PAGE, PROT_READ | PROT_WRITE), EACCES);
	EXPECT_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, region.fd, 0), EACCES);
	EXPECT(write_signal(region.status) == SIGSEGV);
	EXPECT(write_signal(region.map) == SIGSEGV);
}

/* By the kernel on a program's behalf: EFAULT, where frames take the bytes. */
TEST(system_calls_that_write)
{
	struct region region = map_region(O_RDWR);
	uint8_t before[64];
	int zero = open("/dev/zero", O_RDONLY);

	memcpy(before, region.status, sizeof(before));
	EXPECT_ERRNO(read(zero, region.status, 64), EFAULT);
	EXPECT_ERRNO(read(zero, region.map, 64), EFAULT);
	EXPECT(read(zero, region.slots, 64) == 64);
	EXPECT_ERRNO(ioctl(region.fd, GRABBER_IOC_GET_STATS, region.status), EFAULT);
	EXPECT(ioctl(region.fd, GRABBER_IOC_GET_STATS, region.slots) == 0);
	EXPECT(!memcmp(before, region.status, sizeof(before)));
}

struct victim {
	pid_t pid;
	struct region region;
};

static struct victim start_victim(int open_flags)
{
	struct victim victim = { .region = map_region(open_flags) };

	victim.pid = fork();
	CHECK(victim.pid >= 0);
	if (!victim.pid)
		for (;;)
			pause();
	return victim;
}

static ssize_t write_to(const struct victim *victim, void *at)
{
	uint64_t word = ~0ULL;
	struct iovec local = { &word, sizeof(word) }, remote = { at, sizeof(word) };

	return process_vm_writev(victim->pid, &local, 1, &remote, 1, 0);
}

static ssize_t read_from(const struct victim *victim, void *at)
{
	uint64_t word;
	struct iovec local = { &word, sizeof(word) }, remote = { at, sizeof(word) };
	ssize_t got = process_vm_readv(victim->pid, &local, 1, &remote, 1, 0);

	EXPECT(got != sizeof(word) || !memcmp(&word, at, sizeof(word)));
	return got;
}

static ssize_t write_proc_mem(const struct victim *victim, void *at)
{
	char path[32];
	uint64_t word = ~0ULL;
	ssize_t wrote;
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/mem", victim->pid);
	fd = open(path, O_RDWR);
	CHECK(fd >= 0);
	wrote = pwrite(fd, &word, sizeof(word), (uintptr_t)at);
	err = errno;
	close(fd);
	errno = err;
	return wrote;
}

/* Some kernels are built without it: then not even one's own memory can be read. */
static bool has_process_vm(void)
{
	uint64_t from = 1, to;
	struct iovec local = { &to, sizeof(to) }, remote = { &from, sizeof(from) };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == sizeof(to);
}

static void by_process_vm(const struct victim *victim, bool writable)
{
	uint8_t *status = victim->region.status, *slot = victim->region.slots;

	if (!has_process_vm()) {
		tap_note("this kernel has no process_vm_readv()");
		return;
	}
	EXPECT(read_from(victim, status) == 8);
	EXPECT(read_from(victim, slot) == 8);
	EXPECT_ERRNO(write_to(victim, status), EFAULT);
	if (writable)
		EXPECT(write_to(victim, slot) == 8);
	else
		EXPECT_ERRNO(write_to(victim, slot), EFAULT);
}

/* Another program, a debugger too, reads all of it, and writes frames at most. */
static void from_outside(int open_flags)
{
	struct victim victim = start_victim(open_flags);
	uint8_t *status = victim.region.status, *slot = victim.region.slots, before[64];
	bool writable = open_flags == O_RDWR;

	memcpy(before, status, sizeof(before));
	by_process_vm(&victim, writable);
	CHECK(ptrace(PTRACE_ATTACH, victim.pid, NULL, NULL) == 0);
	CHECK(waitpid(victim.pid, NULL, 0) == victim.pid);
	EXPECT_ERRNO(ptrace(PTRACE_POKEDATA, victim.pid, status, -1L), EIO);
	EXPECT_ERRNO(write_proc_mem(&victim, status), EIO);
	if (writable) {
		EXPECT(ptrace(PTRACE_POKEDATA, victim.pid, slot, -1L) == 0);
		EXPECT(write_proc_mem(&victim, slot) == 8);
	} else {
		EXPECT_ERRNO(ptrace(PTRACE_POKEDATA, victim.pid, slot, -1L), EIO);
		EXPECT_ERRNO(write_proc_mem(&victim, slot), EIO);
	}
	CHECK(ptrace(PTRACE_DETACH, victim.pid, NULL, NULL) == 0);
	EXPECT(!memcmp(before, status, sizeof(before)));
	kill(victim.pid, SIGKILL);
}

TEST(from_outside_a_file_that_may_write)
{
	from_outside(O_RDWR);
}

TEST(from_outside_a_read_only_file)
{
	from_outside(O_RDONLY);
}
