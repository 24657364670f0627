// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opens, maps, reads and closes both nodes of a card as fast as it can, while
 * somebody else binds and unbinds it. No answer is wrong here, as long as the
 * kernel lives and no read of the BAR gives anything while it is unbound.
 *
 * hammer CARD FILE: until there is this file
 */
#include <signal.h>
#include <sys/wait.h>

#include "card.h"

#define HANDS 6

/* How often each thing worked, to see that something was tested. */
static struct shared {
	volatile uint64_t opened, taken, read, mapped, registers;
} *shared;

static void use_frames(int round)
{
	int fd = open(node_path(card_number(), false), O_RDWR | (round % 2 ? O_NONBLOCK : 0));
	struct grabber_take take;
	struct grabber_buffer buffer;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint8_t bytes[512], value;
	void *map = MAP_FAILED;

	if (fd < 0)
		return;
	shared->opened++;
	if (ioctl(fd, GRABBER_IOC_GET_BUFFER, &buffer) == 0)
		map = mmap(NULL, buffer.mmap_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED && probe_byte(map + buffer.mmap_size - 1, &value) == 0)
		shared->mapped++;
	switch (round % 4) {
	case 0:
		if (!take_frame(fd, &take, 500 * NS_PER_MS)) {
			struct grabber_give give = { .slot = take.slot };

			shared->taken++;
			ioctl(fd, GRABBER_IOC_GIVE, &give);
		}
		break;
	case 1:
		poll(&poll_fd, 1, 200);
		break;
	case 2:
		poll(&poll_fd, 1, 500);
		if (poll_fd.revents == (POLLIN | POLLRDNORM) &&
		    read(fd, bytes, sizeof(bytes)) > 0)
			shared->read++;
		break;
	default:
		ioctl(fd, GRABBER_IOC_START);
		/* closed while held, while capture starts */
		take_frame(fd, &take, 0);
	}
	if (round % 3)
		close(fd);
	if (map != MAP_FAILED)
		munmap(map, buffer.mmap_size);
	if (!(round % 3))
		close(fd);
}

static void use_bar(int round)
{
	int fd = open(node_path(card_number(), true), O_RDWR);
	struct grabber_info info;
	uint32_t value;
	void *map;

	if (fd < 0)
		return;
	shared->opened++;
	if (pread(fd, &value, 4, 0) == 4)
		shared->registers++;
	if (ioctl(fd, GRABBER_IOC_INFO, &info) == 0) {
		map = mmap(NULL, info.bar_mmap_size, PROT_READ, MAP_SHARED, fd, 0);
		if (map != MAP_FAILED) {
			if (round % 2)
				close(fd);
			for (int i = 0; i < 50; i++) {
				int signal = probe_word(map, &value);

				CHECK_MSG(!signal || signal == SIGBUS, "signal %d", signal);
			}
			munmap(map, info.bar_mmap_size);
			if (round % 2)
				return;
		}
	}
	close(fd);
}

TEST_LIMIT(hammer, 300)
{
	int status;

	CHECK_MSG(tap_argc > 2, "say which file ends it");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	for (int hand = 0; hand < HANDS; hand++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid)
			continue;
		for (int round = hand; access(tap_argv[2], F_OK); round++) {
			if (hand % 2)
				use_bar(round);
			else
				use_frames(round);
			sleep_ms(1);
		}
		tap_stop();
	}
	for (int hand = 0; hand < HANDS; hand++) {
		CHECK(wait(&status) > 0);
		EXPECT_MSG(status == 0, "a hand ended with status %#x", status);
	}
	tap_note("opened %llu, mapped %llu, taken %llu, read %llu, registers %llu",
		 (unsigned long long)shared->opened, (unsigned long long)shared->mapped,
		 (unsigned long long)shared->taken, (unsigned long long)shared->read,
		 (unsigned long long)shared->registers);
	EXPECT(shared->opened > 10 && shared->mapped && shared->registers);
}
