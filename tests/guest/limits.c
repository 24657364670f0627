// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory a program may have a buffer take: as a user of group video, as root, in a
 * control group, and when it is killed meanwhile.
 *
 * limits CARD OTHER_CARD
 */
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "card.h"
#include "set_buffer.h"

#define MIB (1ULL << 20)
#define VIDEO 44
#define GROUP "/sys/fs/cgroup/grabber"

/* A line of /proc/meminfo, in bytes */
static uint64_t meminfo(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long long kib = 0;
	char line[128];

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			CHECK(sscanf(line + strlen(name), ": %llu", &kib) == 1);
	fclose(file);
	return kib * 1024;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	CHECK_MSG(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		  "cannot write %s to %s: %s", text, path, strerror(errno));
	close(fd);
}

static void be_a_user(void)
{
	gid_t group = VIDEO;

	CHECK(setgroups(1, &group) == 0 && setresgid(1000, 1000, 1000) == 0 &&
	      setresuid(1000, 1000, 1000) == 0);
}

static int open_as_user(int card)
{
	int fd;

	CHECK(chown(node_path(card, false), 0, VIDEO) == 0 &&
	      chmod(node_path(card, false), 0660) == 0);
	fd = open(node_path(card, false), O_RDWR);
	CHECK(fd >= 0);
	return fd;
}

/* The largest buffer that can be had. */
static uint64_t fill(int fd)
{
	uint64_t bytes = 0;

	for (uint32_t slots = 1024; slots > 2; slots -= slots / 16 + 1) {
		struct grabber_buffer layout;
		int err = set_buffer(fd, slots, 0, &layout);

		if (!err && layout.mmap_size > bytes)
			bytes = layout.mmap_size;
		EXPECT_MSG(!err || err == EPERM, "%u slots: %s", slots, strerror(err));
		if (!err)
			break;
	}
	return bytes;
}

TEST_LIMIT(a_user_leaves_memory_to_others, 240)
{
	uint64_t total = meminfo("MemTotal"), before = meminfo("MemAvailable"), after, got;
	int fds[2], status;
	pid_t pid;

	fds[0] = open_as_user(card_number());
	fds[1] = open_as_user(atoi(tap_argv[2]));
	/* What this one takes stays when it ends. */
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		be_a_user();
		for (int i = 0; i < 2; i++) {
			got = fill(fds[i]);
			tap_note("%llu MiB of %llu", (unsigned long long)(got / MIB),
				 (unsigned long long)(total / MIB));
			EXPECT(got > total / 16 && got <= total / 8 + MIB);
			/* Less than there is can always be had. */
			CHECK(set_buffer(fds[i], get_buffer(fds[i]).slots - 1, 0, NULL) == 0);
		}
		tap_stop();
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT(status == 0);
	after = meminfo("MemAvailable");
	EXPECT_MSG(after + total / 4 + 32 * MIB >= before, "%llu MiB were available, then %llu",
		   (unsigned long long)(before / MIB), (unsigned long long)(after / MIB));
	for (int i = 0; i < 2; i++)
		must_set(fds[i], 8, 0, NULL);
}

TEST(an_administrator_may_allow_more)
{
	int fd = open_as_user(card_number()), status;
	uint32_t slots = meminfo("MemTotal") / 5 / get_buffer(fd).stride;
	pid_t pid;

	for (int allowed = 0; allowed <= 1; allowed++) {
		write_file("/sys/module/grabber/parameters/memory", allowed ? "400" : "0");
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			be_a_user();
			EXPECT(set_buffer(fd, slots, 0, NULL) == (allowed ? 0 : EPERM));
			tap_stop();
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		EXPECT_MSG(status == 0, "allowed: %d", allowed);
	}
	write_file("/sys/module/grabber/parameters/memory", "0");
	must_set(fd, 8, 0, NULL);
	/* With CAP_SYS_RESOURCE nobody needs to be asked. */
	must_set(fd, slots, 0, NULL);
	must_set(fd, 8, 0, NULL);
}

/* Memory is charged to who asks for it, and comes back. */
TEST_LIMIT(charged_to_the_control_group, 120)
{
	int fd = open_frames(O_RDWR), status;
	uint32_t slots = 64 * MIB / get_buffer(fd).stride;
	pid_t pid;

	CHECK(mkdir(GROUP, 0755) == 0);
	write_file(GROUP "/memory.max", "33554432");
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		write_file(GROUP "/cgroup.procs", "0");
		EXPECT(set_buffer(fd, slots, 0, NULL) == ENOMEM);
		EXPECT(set_buffer(fd, slots / 4, 0, NULL) == 0);
		must_give(fd, must_take(fd).slot);
		CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
		(void)*(volatile uint8_t *)map_frames(fd, PROT_READ);
		tap_stop();
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT_MSG(status == 0, "in the group: status %#x", status);
	must_set(fd, 8, 0, NULL);
	EXPECT(rmdir(GROUP) == 0);
	must_set(fd, slots, 0, NULL);
	must_set(fd, 8, 0, NULL);
}

/* A slot of its own for every few bytes of a frame is refused. */
TEST(least_slot_size)
{
	int fd = open_frames(O_RDWR);
	uint32_t frame = get_format(fd).sizeimage;
	uint32_t least = frame / 64 > PAGE ? (frame + 63) / 64 : PAGE;

	EXPECT(set_buffer(fd, 8, least - 1, NULL) == EINVAL);
	EXPECT(set_buffer(fd, 8, 1, NULL) == EINVAL);
	must_set(fd, 8, least, NULL);
	must_set(fd, 8, 0, NULL);
}
