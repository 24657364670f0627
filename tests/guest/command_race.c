// SPDX-License-Identifier: GPL-2.0-only
/*
 * STOP takes bus mastering away and GRABBER_IOC_UNMASK_IRQ lets the line interrupt through,
 * in one register and at once: neither undoes the other. Needs board "generic", on a line.
 */
#include <pthread.h>

#include "card.h"

#define ROUNDS 5
#define COMMAND 4
#define COMMAND_MASTER 0x0004
#define COMMAND_INTX_DISABLE 0x0400

static pthread_barrier_t together;

static void *unmask(void *bar)
{
	pthread_barrier_wait(&together);
	return (void *)(long)unmask_irqs(*(int *)bar, 1);
}

static int open_config(const char *bus)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bus);
	fd = open(path, O_RDWR);
	CHECK(fd >= 0);
	return fd;
}

TEST_LIMIT(command_race, 200)
{
	int fd = open_frames(O_RDWR), bar = open_bar(O_RDWR);
	int config = open_config(get_info(fd).bus);
	uint16_t command;
	pthread_t thread;
	void *result;

	pthread_barrier_init(&together, NULL, 2);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
		CHECK(pread(config, &command, 2, COMMAND) == 2);
		CHECK(command & COMMAND_MASTER);
		command |= COMMAND_INTX_DISABLE;
		CHECK(pwrite(config, &command, 2, COMMAND) == 2);
		CHECK(!pthread_create(&thread, NULL, unmask, &bar));
		pthread_barrier_wait(&together);
		CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
		CHECK(!pthread_join(thread, &result) && !result);
		CHECK(pread(config, &command, 2, COMMAND) == 2);
		EXPECT_MSG(!(command & COMMAND_MASTER), "the way to memory is open after STOP");
		EXPECT_MSG(!(command & COMMAND_INTX_DISABLE), "the interrupt is still masked");
	}
}
