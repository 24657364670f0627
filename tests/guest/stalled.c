// SPDX-License-Identifier: GPL-2.0-only
/*
 * A read() that is stalled in the middle of its copy, by a page that its program does not
 * give it (userfaultfd): others go on, and it can be killed. Needs the virtual card and a
 * kernel with userfaultfd.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/userfaultfd.h>

#include "card.h"
#include "set_buffer.h"

struct stalled {
	int fd, uffd;
	uint8_t *frame;
	uint32_t size;
	ssize_t got;
};

/* Memory for a frame whose pages are not there until somebody gives them. */
static void without_pages(struct stalled *stalled)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	/* One that blocks cannot be polled. */
	stalled->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (stalled->uffd < 0)
		tap_skip("no userfaultfd: %s", strerror(errno));
	CHECK(ioctl(stalled->uffd, UFFDIO_API, &api) == 0);
	stalled->size = get_format(stalled->fd).sizeimage;
	range.range.len = (stalled->size + PAGE - 1) / PAGE * PAGE;
	stalled->frame = mmap(NULL, range.range.len, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stalled->frame != MAP_FAILED);
	range.range.start = (uintptr_t)stalled->frame;
	CHECK(ioctl(stalled->uffd, UFFDIO_REGISTER, &range) == 0);
}

/* It waits for a page. */
static void must_be_stalled(const struct stalled *stalled)
{
	CHECK_MSG(poll_for(stalled->uffd, POLLIN, 20000) == POLLIN,
		  "the read() does not wait for a page");
}

/* More than a turn of the ring, by both ways that need the driver. */
static void others_go_on(void)
{
	int taker = open_frames(O_RDONLY), reader = open_frames(O_RDONLY);
	uint32_t size = get_format(reader).sizeimage;
	uint8_t *frame = malloc(size);

	for (int i = 0; i < 12; i++) {
		must_give(taker, must_take(taker).slot);
		CHECK(read(reader, frame, size) == (ssize_t)size);
	}
	free(frame);
	close(taker);
	close(reader);
}

static void *read_frame(void *arg)
{
	struct stalled *stalled = arg;

	stalled->got = read(stalled->fd, stalled->frame, stalled->size);
	return NULL;
}

static void *give_pages(void *arg)
{
	struct stalled *stalled = arg;

	for (;;) {
		struct uffdio_zeropage zero = { .range.len = PAGE };
		struct uffd_msg message;

		if (poll_for(stalled->uffd, POLLIN, -1) != POLLIN)
			return NULL;
		if (read(stalled->uffd, &message, sizeof(message)) != sizeof(message))
			continue;
		zero.range.start = message.arg.pagefault.address & ~(PAGE - 1);
		ioctl(stalled->uffd, UFFDIO_ZEROPAGE, &zero);
	}
}

/* As many as there can be frames, each in the middle of another one. */
TEST_LIMIT(others_go_on_and_so_do_they, 120)
{
	struct stalled stalled[3] = { 0 };
	const size_t count = sizeof(stalled) / sizeof(stalled[0]);
	pthread_t readers[count], pagers[count];
	uint64_t missed = 0;

	must_set(open_frames(O_RDWR), count + 1, 0, NULL);
	for (size_t i = 0; i < count; i++) {
		stalled[i].fd = open_frames(O_RDWR);
		without_pages(&stalled[i]);
		CHECK(!pthread_create(&readers[i], NULL, read_frame, &stalled[i]));
		must_be_stalled(&stalled[i]);
		/* It has a frame, and those that it passed over count already. */
		missed -= get_stats(stalled[i].fd).reader_missed;
	}
	others_go_on();
	/* The buffer is not exchanged under the copies. */
	for (size_t i = 0; i < count; i++)
		CHECK(ioctl(stalled[i].fd, GRABBER_IOC_STOP) == 0);
	EXPECT(set_buffer(stalled[0].fd, 5, 0, NULL) == EBUSY);
	for (size_t i = 0; i < count; i++)
		CHECK(ioctl(stalled[i].fd, GRABBER_IOC_START) == 0);
	for (size_t i = 0; i < count; i++) {
		CHECK(!pthread_create(&pagers[i], NULL, give_pages, &stalled[i]));
		pthread_join(readers[i], NULL);
		EXPECT_MSG(stalled[i].got == (ssize_t)stalled[i].size, "read() %zu gave %zd", i,
			   stalled[i].got);
		missed += get_stats(stalled[i].fd).reader_missed;
	}
	/* The card needed a slot of theirs: that one was given another frame instead. */
	EXPECT_MSG(missed, "no read() lost the frame that it was at");
}

TEST_LIMIT(it_can_be_killed, 120)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		struct stalled stalled = { .fd = open_frames(O_RDONLY) };
		pthread_t reader;

		without_pages(&stalled);
		CHECK(!pthread_create(&reader, NULL, read_frame, &stalled));
		must_be_stalled(&stalled);
		others_go_on();
		raise(SIGKILL);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	others_go_on();
	EXPECT(get_stats(open_frames(O_RDONLY)).readers == 1);
}
