/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device edu, for the programs that count instructions: a store to a register of it
 * raises its interrupt, and four interrupts make a frame.
 */
#ifndef BENCH_EDU_H
#define BENCH_EDU_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/pci_regs.h>

#include <grabber.h>

#include "counted.h"

#define EDU_RAISE	0x60
#define EDU_ACK		0x64
#define EDU_IRQ_DMA	0x100
#define STEPS		4	/* interrupts a frame */
#define WARM_UP		8
#define SAMPLES		41

static struct grabber_reader card;	/* the raiser's own, to see frames come */
static volatile uint32_t *regs;

static inline uint64_t frames(void)
{
	return __atomic_load_n(&card.status->frames, __ATOMIC_ACQUIRE);
}

static inline void raise_interrupt(void)
{
	regs[EDU_RAISE / 4] = EDU_IRQ_DMA;
}

/* Up to one interrupt before a frame; false when edu's engine meddled. */
static inline bool nearly_a_frame(void)
{
	uint64_t before;
	int steps = 0;

	/* A frame's end is a known place to start from. */
	for (before = frames(); frames() == before;)
		raise_interrupt();
	for (before = frames(); steps < STEPS - 1; steps++)
		raise_interrupt();
	return frames() == before;
}

static inline void a_frame(void)
{
	uint64_t before = frames();

	while (frames() == before)
		raise_interrupt();
}

/*
 * A process that shares memory with this one, as threads do: what a change of address
 * spaces costs is nobody's here. Unlike a thread, it can be killed while it waits.
 */
static inline pid_t start(int (*process)(void *), void *arg)
{
	static uint8_t stack[1 << 16] __attribute__((aligned(16)));
	pid_t pid = clone(process, stack + sizeof(stack), CLONE_VM | SIGCHLD, arg);

	if (pid < 0)
		die("clone");
	return pid;
}

static inline volatile uint32_t *map_registers(const char *path)
{
	int fd = open(path, O_RDWR);
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		die(path);
	return map;
}

#endif /* BENCH_EDU_H */
