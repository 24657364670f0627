// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the interrupt of a frame costs the processor that takes it, in instructions: from
 * the store that raises it to the next instruction after it. Runs as frames.c does, and
 * with real-time priority, so that nobody who is woken runs in between.
 *
 * It must not depend on how many readers wait, nor on how many frames are held.
 */
#include <sys/prctl.h>

#include "edu.h"

#define READERS	64
#define SLOTS	1024
#define HELD	1000
#define LONG	900	/* frames that come while one is held */

static void measure(const char *name)
{
	uint64_t samples[SAMPLES], before, begin, end;
	int good = -WARM_UP;

	for (int tries = 0; good < SAMPLES; tries++) {
		if (tries > 20 * SAMPLES) {
			errno = ETIMEDOUT;
			die(name);
		}
		if (!nearly_a_frame())
			continue;
		/* Let those who were woken go to sleep again. */
		before = frames();
		usleep(5000);
		if (frames() != before)
			continue;
		begin = instructions();
		raise_interrupt();
		end = instructions();
		if (frames() != before + 1)
			continue;
		if (good >= 0)
			samples[good] = end - begin;
		good++;
	}
	report(name, samples, SAMPLES);
}

/* Sleeps for each frame. */
static void reader(void)
{
	struct grabber_reader self;
	struct pollfd ready = { .events = POLLIN };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (grabber_open(&self, "/dev/grabber0"))
		die("grabber_open");
	ready.fd = self.fd;
	for (;;) {
		struct grabber_seek seek = {
			.frame = __atomic_load_n(&self.status->frames, __ATOMIC_ACQUIRE),
		};

		ioctl(self.fd, GRABBER_IOC_SEEK, &seek);
		if (poll(&ready, 1, -1) != 1)
			die("poll");
	}
}

static void measure_crowd(void)
{
	pid_t pids[READERS];

	for (int i = 0; i < READERS; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork");
		if (!pids[i]) {
			struct sched_param none = { 0 };

			sched_setscheduler(0, SCHED_OTHER, &none);
			reader();
		}
	}
	usleep(500000);
	measure("interrupt_64_readers");
	for (int i = 0; i < READERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

static void open_card(void)
{
	if (grabber_open(&card, "/dev/grabber0") || grabber_start(&card))
		die("grabber_open");
}

static void new_buffer(void)
{
	struct grabber_buffer few = { .slots = 2 }, many = { .slots = SLOTS };
	int fd = open("/dev/grabber0", O_RDWR);

	grabber_close(&card);
	/* There is no room for two large ones within edu's few address bits. */
	if (fd < 0 || ioctl(fd, GRABBER_IOC_SET_BUFFER, &few) ||
	    ioctl(fd, GRABBER_IOC_SET_BUFFER, &many))
		die("SET_BUFFER");
	close(fd);
	open_card();
}

static void hold(int count)
{
	while (count--) {
		struct grabber_take take = { .timeout_ns = -1 };

		a_frame();
		if (ioctl(card.fd, GRABBER_IOC_TAKE, &take))
			die("TAKE");
	}
}

int main(void)
{
	struct sched_param first = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &first))
		die("sched_setscheduler");
	regs = map_registers("/dev/grabber0-bar");
	open_card();
	measure("interrupt_alone");
	measure_crowd();
	new_buffer();
	hold(HELD);
	measure("interrupt_1000_held");
	new_buffer();
	hold(1);
	for (int i = 0; i < LONG; i++)
		a_frame();
	measure("interrupt_held_long");
	return 0;
}
