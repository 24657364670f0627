// SPDX-License-Identifier: GPL-2.0-only
/* A slot as a dma-buf: what it shows, what it refuses, and how long it holds the slot. */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/dma-buf.h>

#include "card.h"

/* A frame that is out as a dma-buf, and what it looked like then. */
struct exported {
	int fd;
	uint32_t slot;
	size_t bytes;
	uint64_t sum;
};

static int export(int fd, uint32_t slot, uint32_t flags)
{
	struct grabber_export args = { .slot = slot, .flags = flags };

	return ioctl(fd, GRABBER_IOC_EXPORT, &args) ? -errno : args.fd;
}

static uint64_t sum_of(int dmabuf, size_t bytes)
{
	void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, dmabuf, 0);
	uint64_t sum;

	CHECK_MSG(map != MAP_FAILED, "cannot map the dma-buf: %s", strerror(errno));
	sum = checksum(map, bytes);
	munmap(map, bytes);
	return sum;
}

/* Takes a frame, exports it and gives it back. */
static struct exported export_frame(int fd, uint32_t flags)
{
	struct grabber_take take = must_take(fd);
	struct exported exported = { export(fd, take.slot, flags), take.slot, take.bytes, 0 };

	CHECK_MSG(exported.fd >= 0, "EXPORT: %s", strerror(-exported.fd));
	exported.sum = sum_of(exported.fd, take.bytes);
	must_give(fd, take.slot);
	return exported;
}

/* So many frames come that every slot which is not held is used again. */
static void overwrite_all(int fd)
{
	uint64_t end = get_stats(fd).begun + 2 * get_buffer(fd).slots;

	while (get_stats(fd).begun < end)
		must_give(fd, must_take(fd).slot);
}

static void unchanged(const struct exported *exported)
{
	EXPECT_MSG(sum_of(exported->fd, exported->bytes) == exported->sum,
		   "slot %u was overwritten while it was exported", exported->slot);
}

/* Files are closed at once, but by another thread of the kernel's where a program ended. */
static void held_becomes(int fd, uint32_t want)
{
	for (int i = 0; i < 100 && get_stats(fd).held != want; i++)
		sleep_ms(20);
	EXPECT_MSG(get_stats(fd).held == want, "%u slots are held, not %u", get_stats(fd).held,
		   want);
}

TEST(shows_the_frame)
{
	int fd = open_frames(O_RDWR);
	struct grabber_buffer layout = get_buffer(fd);
	uint8_t *frames = map_frames(fd, PROT_READ), *map;
	struct grabber_take take = must_take(fd);
	int dmabuf = export(fd, take.slot, O_RDWR | O_CLOEXEC);
	const uint8_t *frame = frames + take.offset;

	CHECK(dmabuf >= 0);
	EXPECT(fcntl(dmabuf, F_GETFD) == FD_CLOEXEC);
	EXPECT((uint64_t)lseek(dmabuf, 0, SEEK_END) == layout.stride);
	map = mmap(NULL, layout.stride, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	CHECK(map != MAP_FAILED);
	EXPECT(!memcmp(map, frame, layout.stride));
	/* The very same memory. */
	map[5] ^= 0xff;
	EXPECT(map[5] == frame[5]);
	map[layout.stride - 1] = 0x5a;
	EXPECT(frame[layout.stride - 1] == 0x5a);
	EXPECT(mmap(NULL, layout.stride + PAGE, PROT_READ, MAP_SHARED, dmabuf, 0) == MAP_FAILED);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dmabuf, layout.stride) == MAP_FAILED);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, dmabuf, 0) == MAP_FAILED);
	EXPECT(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, dmabuf, 0) == MAP_FAILED);
	EXPECT(mremap(map, layout.stride, layout.stride + PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	munmap(map, layout.stride);
	/* A part of it, and its last page. */
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dmabuf, layout.stride - PAGE);
	CHECK(map != MAP_FAILED);
	EXPECT(!memcmp(map, frame + layout.stride - PAGE, PAGE));
	munmap(map, PAGE);
	close(dmabuf);
	must_give(fd, take.slot);
	held_becomes(fd, 0);
}

TEST(sync_ioctl)
{
	static const uint64_t directions[] = {
		DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW
	};
	struct exported exported = export_frame(open_frames(O_RDWR), O_RDWR);
	struct dma_buf_sync args;

	for (int i = 0; i < 3; i++) {
		args.flags = DMA_BUF_SYNC_START | directions[i];
		EXPECT(ioctl(exported.fd, DMA_BUF_IOCTL_SYNC, &args) == 0);
		args.flags = DMA_BUF_SYNC_END | directions[i];
		EXPECT(ioctl(exported.fd, DMA_BUF_IOCTL_SYNC, &args) == 0);
	}
	args.flags = ~0ULL;
	EXPECT_ERRNO(ioctl(exported.fd, DMA_BUF_IOCTL_SYNC, &args), EINVAL);
	unchanged(&exported);
}

TEST(readonly)
{
	int fd = open_frames(O_RDWR);
	struct exported exported = export_frame(fd, O_RDONLY);
	void *map;

	EXPECT(fcntl(exported.fd, F_GETFD) == 0);
	EXPECT_MSG(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, exported.fd, 0) ==
		   MAP_FAILED && errno == EACCES, "a read-only dma-buf can be mapped to write");
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, exported.fd, 0);
	CHECK(map != MAP_FAILED);
	EXPECT_ERRNO(mprotect(map, PAGE, PROT_READ | PROT_WRITE), EACCES);
	EXPECT(mprotect(map, PAGE, PROT_READ | PROT_EXEC) == -1);
	unchanged(&exported);
}

/* No descriptor gives more than the one that it came from. */
TEST(access_of_the_file)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };

	for (size_t i = 0; i < 3; i++) {
		int fd = open_frames(modes[i]), dmabuf;
		struct grabber_take take = must_take(fd);

		dmabuf = export(fd, take.slot, O_RDWR);
		EXPECT_MSG(modes[i] == O_RDWR ? dmabuf >= 0 : dmabuf == -EACCES,
			   "mode %d, O_RDWR: %d", modes[i], dmabuf);
		dmabuf = export(fd, take.slot, O_RDONLY);
		EXPECT_MSG(modes[i] != O_WRONLY ? dmabuf >= 0 : dmabuf == -EACCES,
			   "mode %d, O_RDONLY: %d", modes[i], dmabuf);
		close(fd);
	}
}

TEST(unknown_flags)
{
	int fd = open_frames(O_RDWR);
	struct grabber_take take = must_take(fd);

	for (uint32_t flags = 1; flags; flags <<= 1)
		if (flags != O_RDWR && flags != O_CLOEXEC)
			EXPECT_MSG(export(fd, take.slot, flags) == -EINVAL, "flags %#x", flags);
	must_give(fd, take.slot);
	EXPECT(get_stats(fd).held == 0);
}

TEST(held_after_give)
{
	int fd = open_frames(O_RDONLY), other;
	struct exported exported = export_frame(fd, O_RDONLY);
	void *map;

	EXPECT(export(fd, exported.slot, O_RDONLY) == -EINVAL);
	EXPECT(get_stats(fd).held == 1);
	overwrite_all(fd);
	unchanged(&exported);
	/* A mapping holds it as well, and so does a part of one, and a fork's. */
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, exported.fd, 0);
	CHECK(map != MAP_FAILED);
	other = dup(exported.fd);
	close(exported.fd);
	exported.fd = other;
	EXPECT(get_stats(fd).held == 1);
	unchanged(&exported);
	close(other);
	overwrite_all(fd);
	EXPECT(get_stats(fd).held == 1);
	munmap(map, PAGE);
	held_becomes(fd, 0);
}

TEST(held_after_close)
{
	int watcher = open_frames(O_RDONLY), fd = open_frames(O_RDWR);
	struct exported exported = export_frame(fd, O_RDWR);
	struct grabber_take take = must_take(fd);
	int second = export(fd, take.slot, O_RDWR);

	/* One of them given back, the other one not. */
	CHECK(second >= 0);
	held_becomes(watcher, 2);
	close(fd);
	held_becomes(watcher, 2);
	overwrite_all(watcher);
	unchanged(&exported);
	close(second);
	held_becomes(watcher, 1);
	close(exported.fd);
	held_becomes(watcher, 0);
}

/* A slot counts once among all, whoever holds it and how often it is out. */
TEST(exported_twice)
{
	int fd = open_frames(O_RDWR), first, second;
	struct grabber_take take = must_take(fd);

	first = export(fd, take.slot, O_RDONLY);
	second = export(fd, take.slot, O_RDWR);
	CHECK(first >= 0 && second >= 0 && first != second);
	EXPECT(get_stats(fd).held == 1);
	close(first);
	must_give(fd, take.slot);
	EXPECT(get_stats(fd).held == 1);
	close(second);
	held_becomes(fd, 0);
}

static void *close_later(void *arg)
{
	sleep_ms(500);
	close(*(int *)arg);
	return NULL;
}

/* One file's dma-bufs leave another one a place, as its holds do. */
TEST(counts_as_held)
{
	int fd = open_frames(O_RDONLY), other = open_frames(O_RDONLY);
	struct grabber_buffer layout = get_buffer(fd);
	struct exported *exported = calloc(layout.hold_max, sizeof(*exported));
	struct grabber_take take;
	pthread_t closer;
	uint8_t byte;

	for (uint32_t i = 0; i < layout.hold_max; i++)
		exported[i] = export_frame(fd, O_RDONLY);
	EXPECT(get_stats(fd).held == layout.hold_max);
	EXPECT(take_frame(fd, &take, 200 * NS_PER_MS) == EBUSY);
	EXPECT(poll_for(fd, POLLIN, 300) == 0);
	take = must_take(other);
	/* Not even these starve the card and who reads. */
	EXPECT(read(open_frames(O_RDONLY), &byte, 1) == 1);
	must_give(other, take.slot);
	/* Somebody else may have them: so TAKE waits for them to go, and so does poll(). */
	for (uint32_t i = 0; i < layout.hold_max; i++)
		unchanged(&exported[i]);
	CHECK(!pthread_create(&closer, NULL, close_later, &exported[0].fd));
	must_give(fd, must_take(fd).slot);
	pthread_join(closer, NULL);
	exported[0] = export_frame(fd, O_RDONLY);
	EXPECT(poll_for(fd, POLLIN, 0) == 0);
	CHECK(!pthread_create(&closer, NULL, close_later, &exported[0].fd));
	EXPECT(poll_for(fd, POLLIN, 20000) == POLLIN);
	pthread_join(closer, NULL);
	for (uint32_t i = 1; i < layout.hold_max; i++)
		close(exported[i].fd);
	overwrite_all(fd);
}

/* Nor do those of files that were closed, one after the other. */
TEST(leave_a_place_after_close)
{
	struct grabber_buffer layout = get_buffer(open_frames(O_RDONLY));
	struct exported *exported = calloc(layout.hold_max, sizeof(*exported));
	int fd, second;
	struct grabber_take take;

	for (uint32_t i = 0; i < layout.hold_max; i++) {
		fd = open_frames(O_RDONLY);
		exported[i] = export_frame(fd, O_RDONLY);
		close(fd);
	}
	fd = open_frames(O_RDONLY);
	take = must_take(fd);
	EXPECT(export(fd, take.slot, O_RDONLY) == -EBUSY);
	must_give(fd, take.slot);
	take = must_take(open_frames(O_RDONLY));
	/* Where one goes there is room for one; and what is one may be one again. */
	close(exported[0].fd);
	take = must_take(fd);
	exported[0].fd = export(fd, take.slot, O_RDONLY);
	second = export(fd, take.slot, O_RDONLY);
	EXPECT(exported[0].fd >= 0 && second >= 0);
}

TEST(survives_fork)
{
	int fd = open_frames(O_RDONLY);

	for (int by_kill = 0; by_kill <= 1; by_kill++) {
		struct exported exported = export_frame(fd, O_RDONLY);
		int go[2], status;
		char byte;
		pid_t pid;

		CHECK(pipe(go) == 0);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			close(go[1]);
			if (read(go[0], &byte, 1) != 1)
				_exit(1);
			unchanged(&exported);
			tap_stop();
		}
		close(exported.fd);
		overwrite_all(fd);
		EXPECT(get_stats(fd).held == 1);
		if (by_kill)
			kill(pid, SIGKILL);
		else
			CHECK(write(go[1], "g", 1) == 1);
		CHECK(waitpid(pid, &status, 0) == pid);
		EXPECT(by_kill ? WIFSIGNALED(status) : status == 0);
		held_becomes(fd, 0);
	}
}

TEST(survives_exec)
{
	int fd = open_frames(O_RDONLY);

	for (int cloexec = 0; cloexec <= 1; cloexec++) {
		struct exported exported = export_frame(fd, cloexec ? O_CLOEXEC : 0);
		int started[2], status;
		char byte;
		pid_t pid;

		CHECK(pipe2(started, O_CLOEXEC) == 0);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			execlp("sleep", "sleep", "100", NULL);
			_exit(1);
		}
		close(started[1]);
		/* Nobody has the other end any more: it runs. */
		CHECK(read(started[0], &byte, 1) == 0);
		close(exported.fd);
		held_becomes(fd, cloexec ? 0 : 1);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
		held_becomes(fd, 0);
	}
}

static void send_fd(int to, int fd)
{
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	CHECK(sendmsg(to, &message, 0) == 1);
}

static int receive_fd(int from)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)
	};
	int fd;

	CHECK(recvmsg(from, &message, 0) == 1 && CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* To a program that never opened the card, and that has it when nobody else does. */
TEST(survives_passing)
{
	int fd = open_frames(O_RDONLY), sockets[2], status;
	struct exported exported;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		close(fd);
		close(sockets[0]);
		CHECK(read(sockets[1], &exported, sizeof(exported)) == sizeof(exported));
		exported.fd = receive_fd(sockets[1]);
		unchanged(&exported);
		tap_stop();
	}
	close(sockets[1]);
	exported = export_frame(fd, O_RDONLY);
	overwrite_all(fd);
	CHECK(write(sockets[0], &exported, sizeof(exported)) == sizeof(exported));
	send_fd(sockets[0], exported.fd);
	close(exported.fd);
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT(status == 0);
	held_becomes(fd, 0);

	/* On its way to nobody. */
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	exported = export_frame(fd, O_RDONLY);
	send_fd(sockets[0], exported.fd);
	close(exported.fd);
	overwrite_all(fd);
	EXPECT(get_stats(fd).held == 1);
	close(sockets[0]);
	close(sockets[1]);
	held_becomes(fd, 0);
}

TEST(no_descriptor_left)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_take take = must_take(fd);
	struct rlimit limit;
	int next = dup(fd);

	CHECK(next >= 0);
	close(next);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = next;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	EXPECT(export(fd, take.slot, O_RDONLY) == -EMFILE);
	must_give(fd, take.slot);
	EXPECT(get_stats(fd).held == 0);
}

/* Many, and each only for a moment. */
TEST(again_and_again)
{
	int fd = open_frames(O_RDWR);
	struct grabber_take take = must_take(fd);

	for (int i = 0; i < 300; i++) {
		int dmabuf = export(fd, take.slot, i % 2 ? O_RDWR : O_RDONLY);

		CHECK_MSG(dmabuf >= 0, "EXPORT %d: %s", i, strerror(-dmabuf));
		if (i % 3)
			sum_of(dmabuf, PAGE);
		close(dmabuf);
	}
	EXPECT(get_stats(fd).held == 1);
	must_give(fd, take.slot);
	held_becomes(fd, 0);
}
