// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a frame costs its reader, in instructions. Runs in a machine with one
 * processor whose time stamp counter counts them (QEMU -icount shift=0), with a
 * device edu. frames.py starts it and prints what it found.
 *
 * Edu raises its interrupt when a program stores to a register of it. For board edu
 * four interrupts make a frame: three are raised to come near its end, and then, when
 * a reader sleeps, the last. Edu's own engine goes on meanwhile, far slower; should it
 * come in between, the sample is not used.
 *
 * Prints "NAME MEDIAN LOWEST HIGHEST" for each thing that was measured.
 */
#include "edu.h"

struct sample {
	volatile uint64_t begin, end;
	volatile int round;	/* that the reader is to wait in */
	volatile bool waiting;
};

static struct sample *shared;

/* State of a process, as in ps: 'S' where it sleeps */
static char state_of(pid_t pid)
{
	char path[32], text[256], *after;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (got <= 0)
		die(path);
	close(fd);
	text[got] = 0;
	after = strrchr(text, ')');
	return after ? after[2] : '?';
}

/* How readers wait; each gets one frame, and the clock's end is on its first return. */
static void by_poll(struct grabber_reader *reader)
{
	struct pollfd ready = { .fd = reader->fd, .events = POLLIN };

	if (poll(&ready, 1, -1) != 1)
		die("poll");
	shared->end = instructions();
}

static void by_read(struct grabber_reader *reader)
{
	static uint8_t bytes[1 << 16];
	size_t got = 4;

	/* as much as UIO's read gives, and then the rest */
	if (read(reader->fd, bytes, 4) != 4)
		die("read");
	shared->end = instructions();
	while (got < reader->format.sizeimage) {
		ssize_t part = read(reader->fd, bytes, sizeof(bytes));

		if (part <= 0)
			die("read");
		got += part;
	}
}

static void by_take(struct grabber_reader *reader)
{
	struct grabber_take take = { .timeout_ns = -1 };
	struct grabber_give give = { 0 };

	if (ioctl(reader->fd, GRABBER_IOC_TAKE, &take))
		die("TAKE");
	shared->end = instructions();
	give.slot = take.slot;
	if (ioctl(reader->fd, GRABBER_IOC_GIVE, &give))
		die("GIVE");
}

typedef void (*wait_fn)(struct grabber_reader *reader);

static int reader_process(void *arg)
{
	wait_fn wait = *(wait_fn *)arg;
	struct grabber_reader reader;
	struct grabber_seek seek = { 0 };
	int round = 0;

	if (grabber_open(&reader, "/dev/grabber0"))
		die("grabber_open");
	for (;;) {
		while (shared->round == round)
			sched_yield();
		round = shared->round;
		/* Frames that came up to now are none of its. */
		seek.frame = frames();
		if (ioctl(reader.fd, GRABBER_IOC_SEEK, &seek))
			die("SEEK");
		shared->waiting = true;
		wait(&reader);
		shared->waiting = false;
	}
	return 0;
}

/* From the store that raises the last interrupt to the reader's next instruction. */
static void measure_wake(const char *name, wait_fn wait)
{
	uint64_t samples[SAMPLES], before;
	int good = -WARM_UP;
	pid_t pid = start(reader_process, &wait);

	for (int tries = 0; good < SAMPLES; tries++) {
		if (tries > 10 * SAMPLES) {
			errno = ETIMEDOUT;
			die(name);
		}
		if (!nearly_a_frame())
			continue;
		/* It may be waiting still, from a round that edu's engine spoilt. */
		while (shared->waiting)
			sched_yield();
		before = frames();
		shared->end = 0;
		shared->round++;
		while (!shared->end && (!shared->waiting || state_of(pid) != 'S'))
			sched_yield();
		/* else a frame came by itself, and the reader has it */
		if (frames() != before || shared->end)
			continue;
		shared->begin = instructions();
		raise_interrupt();
		while (shared->waiting)
			sched_yield();
		if (frames() != before + 1)
			continue;
		if (good >= 0)
			samples[good] = shared->end - shared->begin;
		good++;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	report(name, samples, SAMPLES);
}

/* A frame is there already: TAKE and GIVE, one after the other */
static void measure_take_and_give(void)
{
	uint64_t both[SAMPLES], alone[SAMPLES], begin, between, end;
	struct grabber_take take = { 0 };
	struct grabber_give give = { 0 };

	for (int i = -WARM_UP; i < SAMPLES; i++) {
		a_frame();
		begin = instructions();
		if (ioctl(card.fd, GRABBER_IOC_TAKE, &take))
			die("TAKE");
		between = instructions();
		give.slot = take.slot;
		if (ioctl(card.fd, GRABBER_IOC_GIVE, &give))
			die("GIVE");
		end = instructions();
		while (!ioctl(card.fd, GRABBER_IOC_TAKE, &take)) {
			give.slot = take.slot;
			ioctl(card.fd, GRABBER_IOC_GIVE, &give);
		}
		if (i < 0)
			continue;
		both[i] = end - begin;
		alone[i] = between - begin;
	}
	report("take", alone, SAMPLES);
	report("take_and_give", both, SAMPLES);
}

/* One call that gives the last frame back and takes the next */
static void measure_take_gives(void)
{
	struct grabber_take take = { 0 };
	uint64_t samples[SAMPLES], begin;

	a_frame();
	if (ioctl(card.fd, GRABBER_IOC_TAKE, &take))
		die("TAKE");
	for (int i = -WARM_UP; i < SAMPLES; i++) {
		a_frame();
		take.flags = GRABBER_TAKE_GIVE | GRABBER_TAKE_NEWEST;
		begin = instructions();
		if (ioctl(card.fd, GRABBER_IOC_TAKE, &take))
			die("TAKE");
		if (i >= 0)
			samples[i] = instructions() - begin;
	}
	report("take_gives", samples, SAMPLES);
}

static void measure_status_page(void)
{
	uint64_t samples[SAMPLES], begin;
	struct grabber_frame frame;

	for (int i = -WARM_UP; i < SAMPLES; i++) {
		while (!grabber_next(&card, &frame))
			;
		a_frame();
		begin = instructions();
		if (grabber_next(&card, &frame) || !grabber_whole(&card, &frame))
			die("no whole frame");
		if (i >= 0)
			samples[i] = instructions() - begin;
	}
	report("status_page", samples, SAMPLES);
}

static void measure_empty_call(void)
{
	uint64_t samples[SAMPLES], begin;

	for (int i = -WARM_UP; i < SAMPLES; i++) {
		long ret = SYS_getppid;

		begin = instructions();
		__asm__ volatile("syscall" : "+a"(ret) : : "rcx", "r11", "memory");
		if (i >= 0)
			samples[i] = instructions() - begin;
	}
	report("empty_call", samples, SAMPLES);
}

static void measure_grabber(void)
{
	regs = map_registers("/dev/grabber0-bar");
	if (grabber_open(&card, "/dev/grabber0") || grabber_start(&card))
		die("grabber_open");
	measure_empty_call();
	measure_wake("wake_by_poll", by_poll);
	measure_wake("wake_by_read", by_read);
	measure_wake("wake_by_take", by_take);
	measure_status_page();
	measure_take_and_give();
	measure_take_gives();
}

/* uio_pci_generic masks the interrupt when it comes; its user unmasks it. */
static void unmask_intx(int config)
{
	uint16_t command;

	if (pread(config, &command, 2, PCI_COMMAND) != 2)
		die("configuration space");
	command &= ~PCI_COMMAND_INTX_DISABLE;
	if (pwrite(config, &command, 2, PCI_COMMAND) != 2)
		die("configuration space");
}

/*
 * The same way of measuring on uio_pci_generic, whose figures are known from another
 * program: if they come out alike, so do ours.
 */
struct uio {
	int fd;
	int config;
	bool by_poll;
};

static int uio_process(void *arg)
{
	const struct uio *uio = arg;
	struct pollfd ready = { .fd = uio->fd, .events = POLLIN };
	int32_t count;
	int round = 0;

	for (;;) {
		while (shared->round == round)
			sched_yield();
		round = shared->round;
		shared->waiting = true;
		if (uio->by_poll) {
			if (poll(&ready, 1, -1) != 1)
				die("poll of uio0");
			shared->end = instructions();
		}
		if (read(uio->fd, &count, 4) != 4)
			die("read of uio0");
		if (!uio->by_poll)
			shared->end = instructions();
		regs[EDU_ACK / 4] = EDU_IRQ_DMA;
		unmask_intx(uio->config);
		shared->waiting = false;
	}
	return 0;
}

static void measure_uio(const char *name, const char *device, bool by_poll)
{
	struct uio uio = { .fd = open("/dev/uio0", O_RDWR), .by_poll = by_poll };
	uint64_t samples[SAMPLES];
	char path[128];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/config", device);
	uio.config = open(path, O_RDWR);
	if (uio.fd < 0 || uio.config < 0)
		die(device);
	unmask_intx(uio.config);
	snprintf(path, sizeof(path), "%s/resource0", device);
	regs = map_registers(path);
	pid = start(uio_process, &uio);
	for (int i = -WARM_UP; i < SAMPLES; i++) {
		shared->round++;
		while (!shared->waiting || state_of(pid) != 'S')
			sched_yield();
		shared->begin = instructions();
		raise_interrupt();
		while (shared->waiting)
			sched_yield();
		if (i >= 0)
			samples[i] = shared->end - shared->begin;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(uio.fd);
	close(uio.config);
	report(name, samples, SAMPLES);
}

int main(int argc, char **argv)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	if (argc > 1) {
		measure_uio("uio_by_read", argv[1], false);
		measure_uio("uio_by_poll", argv[1], true);
	} else {
		measure_grabber();
	}
	return 0;
}
