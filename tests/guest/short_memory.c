// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out in the middle of a call, at each place where it can: the call fails,
 * nothing is changed by it, and the next one works. By the kernel's own fault injection
 * (Documentation/fault-injection/fault-injection.rst), for this program alone; who runs
 * it looks for leaks afterwards.
 */
#include "card.h"
#include "set_buffer.h"

#define PAGES "/sys/kernel/debug/fail_page_alloc/"
#define SLABS "/sys/kernel/debug/failslab/"
#define COPIES "/sys/kernel/debug/fail_usercopy/"

static uint32_t held_slot;
static void *place, *mapped = MAP_FAILED;
static size_t mapped_size;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	CHECK_MSG(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		  "%s: %s", path, strerror(errno));
	close(fd);
}

static void write_number(int file, unsigned int number)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", number);

	/* This copy too is one that may be made to fail. */
	while (pwrite(file, text, length, 0) != length)
		CHECK(errno == EFAULT);
}

/* Allocations that may wait fail too, and of any size; the kernel log stays empty. */
static void set_up(void)
{
	if (access(PAGES, F_OK) || access("/proc/self/fail-nth", F_OK))
		tap_skip("this kernel has no fault injection");
	write_file(PAGES "ignore-gfp-wait", "N");
	write_file(PAGES "ignore-gfp-highmem", "N");
	write_file(PAGES "min-order", "0");
	write_file(PAGES "verbose", "0");
	write_file(PAGES "probability", "100");
	write_file(PAGES "interval", "1");
	write_file(PAGES "task-filter", "Y");
	write_file(SLABS "ignore-gfp-wait", "N");
	write_file(SLABS "verbose", "0");
	write_file(COPIES "verbose", "0");
}

/* So many pages are left to this program, and then no more. */
TEST_LIMIT(pages_run_out, 300)
{
	/* A slot is of several blocks, of one; or there are many. */
	static const struct { uint32_t slots, pages; } layouts[] = {
		{ 4, 23 }, { 2, 32 }, { 20, 3 },
	};
	int self, fd = open_frames(O_RDWR);
	struct grabber_buffer first;

	set_up();
	self = open("/proc/self/make-it-fail", O_WRONLY);
	CHECK(self >= 0);
	write_number(self, 0);
	must_set(fd, 8, 0, &first);
	/* All of this program is there now: a fault would want a page too. */
	CHECK(mlockall(MCL_CURRENT) == 0);
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		uint32_t space;
		int err = ENOMEM;

		for (space = 1; err && space < 2000; space++) {
			char text[16];

			snprintf(text, sizeof(text), "%u", space);
			write_file(PAGES "space", text);
			/* More often than one call asks, even for ever smaller blocks. */
			write_file(PAGES "times", "100");
			write_number(self, 1);
			err = set_buffer(fd, layouts[i].slots, layouts[i].pages * PAGE, NULL);
			write_number(self, 0);
			CHECK_MSG(!err || err == ENOMEM, "with %u pages: %s", space, strerror(err));
			CHECK(!err || same_layout(first, get_buffer(fd)));
		}
		tap_note("%u slots of %u pages: refused %u times", layouts[i].slots,
			 layouts[i].pages, space - 2);
		CHECK(!err && space > layouts[i].slots * layouts[i].pages);
		must_set(fd, 8, 0, &first);
	}
	must_give(fd, must_take(fd).slot);
}

static int call_open(int fd)
{
	int other = open(node_path(card_number(), false), O_RDWR);

	(void)fd;
	return other < 0 ? errno : close(other);
}

static int call_open_bar(int fd)
{
	int bar = open(node_path(card_number(), true), O_RDWR);

	(void)fd;
	return bar < 0 ? errno : close(bar);
}

static int call_set_buffer(int fd)
{
	return set_buffer(fd, 5, 0, NULL);
}

/* Where all of the buffer shall be mapped: over the end of a page table, so that memory
 * may run out half-way.
 */
static void find_place(int fd)
{
	const size_t table = 2 << 20;
	uint8_t *area = mmap(NULL, 3 * table, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(area != MAP_FAILED);
	place = (void *)(((uintptr_t)area / table + 2) * table - 2 * PAGE);
	mapped_size = get_buffer(fd).mmap_size;
	CHECK(mapped_size > 2 * PAGE && mapped_size < table);
	CHECK(munmap(area, 3 * table) == 0);
}

static int call_mmap(int fd)
{
	mapped = mmap(place, mapped_size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	return mapped == MAP_FAILED ? errno : 0;
}

/* Not in the call: the kernel may need memory for that too. */
static void unmap(void)
{
	if (mapped != MAP_FAILED)
		CHECK(munmap(mapped, mapped_size) == 0);
	mapped = MAP_FAILED;
}

static int call_start(int fd)
{
	return ioctl(fd, GRABBER_IOC_START) ? errno : 0;
}

static int call_take(int fd)
{
	struct grabber_take take;
	int err = take_frame(fd, &take, NS_PER_S);

	held_slot = take.slot;
	return err;
}

/* Of a slot that is held, where there is one. */
static int call_export(int fd)
{
	struct grabber_export args = { .slot = held_slot, .flags = O_CLOEXEC };

	return ioctl(fd, GRABBER_IOC_EXPORT, &args) ? errno : close(args.fd);
}

static int call_read(int fd)
{
	char start[64];

	return read(fd, start, sizeof(start)) < 0 ? errno : 0;
}

static const struct {
	const char *name;
	int (*run)(int fd);	/* 0 or the errno */
} calls[] = {
	{ "open of the frames", call_open },
	{ "open of the registers", call_open_bar },
	{ "SET_BUFFER", call_set_buffer },
	{ "mmap", call_mmap },
	{ "START", call_start },
	{ "TAKE", call_take },
	{ "EXPORT", call_export },
	{ "read", call_read },
};

/*
 * One allocation fails, or one copy from or to the program: the first, the second ...
 * A copy back that fails is EFAULT though the call was carried out, as anywhere; but
 * nothing is held then.
 */
TEST_LIMIT(each_fails_once, 300)
{
	int nth, watch = open_frames(O_RDWR);
	char left[16];

	set_up();
	nth = open("/proc/thread-self/fail-nth", O_RDWR);
	CHECK(nth >= 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		unsigned int refused = 0, n;
		bool injected = true;

		for (n = 1; injected && n < 2000; n++) {
			int fd = open_frames(O_RDWR), err;

			if (calls[i].run == call_mmap)
				find_place(fd);
			if (calls[i].run == call_export)
				held_slot = must_take(fd).slot;
			write_number(nth, n);
			err = calls[i].run(fd);
			/* The number is used up; unless it is by this very read. */
			injected = pread(nth, left, sizeof(left), 0) > 0 && left[0] == '0';
			write_number(nth, 0);
			EXPECT_MSG(!err || ((err == ENOMEM || err == EFAULT) && injected), "%s, %u: %s",
				   calls[i].name, n, strerror(err));
			refused += !!err;
			unmap();
			if (err && calls[i].run == call_take)
				EXPECT(get_stats(fd).held == 0);
			else if (calls[i].run == call_take)
				must_give(fd, held_slot);
			err = calls[i].run(fd);
			EXPECT_MSG(!err, "%s, after failure %u: %s", calls[i].name, n, strerror(err));
			unmap();
			close(fd);
			EXPECT_MSG(get_stats(watch).held == 0, "%s, after failure %u: a slot is held",
				   calls[i].name, n);
		}
		tap_note("%s: of %u places %u make it fail", calls[i].name, n - 2, refused);
		CHECK(!injected);
		/* START needs nothing that could fail. */
		EXPECT(refused || calls[i].run == call_start);
	}
	must_set(watch, 8, 0, NULL);
}
