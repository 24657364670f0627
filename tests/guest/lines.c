// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of the user logic: a level each, masked when it comes, counted for everyone.
 * The virtual card's user logic has its registers in the video source's BAR.
 */
#include <signal.h>
#include <sys/wait.h>

#include "card.h"
#include "video_source.h"
#define FAULT_REGISTERS_ONLY
#include "../card/faults.h"
#define USER_LOGIC_REGISTERS_ONLY
#include "../card/user_logic.h"

#define LINES	GRABBER_IRQ_LINES
#define ALL	0xffffu

static void raise_lines(int bar, uint32_t lines)
{
	bar_write32(bar, USER_LOGIC_RAISE, lines);
}

/* Tell the user logic. */
static void lower_lines(int bar, uint32_t lines)
{
	bar_write32(bar, USER_LOGIC_LEVEL, lines);
}

static uint32_t raised(int bar, int line)
{
	return bar_read32(bar, USER_LOGIC_RAISED + 4 * line);
}

static struct grabber_irqs ask(int bar, uint32_t lines)
{
	struct grabber_irqs irqs = { .lines = lines };

	CHECK(ioctl(bar, GRABBER_IOC_GET_IRQS, &irqs) == 0);
	return irqs;
}

static void unmask(int bar, uint32_t lines)
{
	int err = unmask_irqs(bar, lines);

	CHECK_MSG(!err, "unmask %#x: %s", lines, strerror(err));
}

static int events(int bar, int timeout_ms)
{
	struct pollfd fd = { .fd = bar, .events = POLLIN };

	CHECK(poll(&fd, 1, timeout_ms) >= 0);
	return fd.revents;
}

static void await(int bar)
{
	CHECK_MSG(events(bar, 20000) == POLLIN, "no interrupt came");
}

static void expect_none(int bar)
{
	struct grabber_irqs irqs;

	EXPECT_MSG(!events(bar, 0), "poll() says that there is an interrupt");
	irqs = ask(bar, 0);
	EXPECT_MSG(!irqs.lines, "lines %#x are said to have interrupted", irqs.lines);
	for (int line = 0; line < LINES; line++)
		EXPECT(irqs.count[line] == 0);
}

static void expect_quiet(int bar)
{
	EXPECT_MSG(!events(bar, 100), "poll() says that there is an interrupt");
	expect_none(bar);
}

/* A node with all lines down and none let through, whatever was before. */
static int open_all_down(void)
{
	int bar = open_bar(O_RDWR);

	/* What is let through and comes masks itself. */
	unmask(bar, ALL);
	raise_lines(bar, ALL);
	for (uint32_t came = 0; came != ALL; came |= ask(bar, 0).lines)
		await(bar);
	lower_lines(bar, ALL);
	return bar;
}

TEST(info_has_them)
{
	EXPECT(get_info(open_bar(O_RDONLY)).irq_lines == LINES);
	EXPECT(get_info(open_frames(O_RDONLY)).irq_lines == LINES);
}

TEST(what_is_refused)
{
	int bar = open_all_down(), readonly = open_bar(O_RDONLY), frames = open_frames(O_RDWR);
	struct grabber_irqs irqs = { .lines = 1U << LINES };

	EXPECT(unmask_irqs(bar, 0) == EINVAL);
	EXPECT(unmask_irqs(bar, 1U << LINES) == EINVAL && unmask_irqs(bar, ~0U) == EINVAL);
	EXPECT(unmask_irqs(readonly, 1) == EACCES);
	EXPECT(unmask_irqs(frames, 1) == ENOTTY);
	EXPECT_ERRNO(ioctl(bar, GRABBER_IOC_GET_IRQS, &irqs), EINVAL);
	irqs = (struct grabber_irqs) { .reserved = 1 };
	EXPECT_ERRNO(ioctl(bar, GRABBER_IOC_GET_IRQS, &irqs), EINVAL);
	EXPECT_ERRNO(ioctl(frames, GRABBER_IOC_GET_IRQS, &irqs), ENOTTY);
	expect_quiet(readonly);
	raise_lines(bar, ALL);
	expect_quiet(bar);
	lower_lines(bar, ALL);
}

TEST(none_without_an_interrupt)
{
	int bar = open_all_down();

	raise_lines(bar, 1 << 3);
	expect_quiet(bar);
	unmask(bar, ALL & ~(1 << 3));
	expect_quiet(bar);
	/* What is up comes when it is let through. */
	unmask(bar, 1 << 3);
	await(bar);
	EXPECT(ask(bar, 0).count[3] == 1);
	expect_quiet(bar);
	/* It fell, and is let through: nothing. */
	lower_lines(bar, 1 << 3);
	unmask(bar, 1 << 3);
	expect_quiet(bar);
	/* A node that is opened now is told of nothing that was. */
	expect_quiet(open_bar(O_RDONLY));
}

/* The test's last word: which kind of interrupt the card has. */
static bool by_line(void)
{
	return tap_argc > 2 && !strcmp(tap_argv[2], "line");
}

/* How often the kernel called the handler. What the card raised says nothing of a line: QEMU
 * has it down and up again after each access to a register, until the handler is through.
 */
static uint64_t handler_runs(void)
{
	FILE *file = fopen("/proc/interrupts", "r");
	uint64_t runs = 0;
	char line[512];

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		char *at = strchr(line, ':'), *end;

		if (!at || !strstr(line, "grabber-lines"))
			continue;
		for (at++;; at = end) {
			uint64_t count = strtoull(at, &end, 10);

			if (end == at)
				break;
			runs += count;
		}
	}
	fclose(file);
	return runs;
}

/* QEMU may have the line up for a moment after the card took it down. */
static void expect_runs(uint64_t before, unsigned int most)
{
	uint64_t runs = handler_runs() - before;

	tap_note("%llu calls of the handler for %u", (unsigned long long)runs, most);
	EXPECT_MSG(runs <= (by_line() ? 3 : 1) * most, "the handler ran %llu times for %u",
		   (unsigned long long)runs, most);
}

/* Nobody tells the user logic: an interrupt for each call that lets one through. */
TEST_LIMIT(a_level_cannot_storm, 200)
{
	int bar = open_all_down();
	const unsigned int rounds = 50;
	uint64_t before = handler_runs();

	raise_lines(bar, 1 << 7);
	for (unsigned int i = 0; i < rounds; i++) {
		unmask(bar, 1 << 7);
		await(bar);
		EXPECT(ask(bar, 0).count[7] == 1);
	}
	expect_quiet(bar);
	sleep_ms(500);
	expect_quiet(bar);
	expect_runs(before, rounds);
	lower_lines(bar, 1 << 7);
}

static void toggle_for_ever(void)
{
	int own = open_bar(O_RDWR);

	for (;;) {
		raise_lines(own, 1 << 6);
		lower_lines(own, 1 << 6);
	}
}

/* User logic that does not wait to be told: as many interrupts as were let through. */
TEST_LIMIT(a_wild_line_cannot_storm, 200)
{
	int bar = open_all_down();
	const unsigned int rounds = 100;
	uint32_t before = raised(bar, 6), toggles;
	uint64_t runs = handler_runs();
	pid_t toggler = fork();

	CHECK(toggler >= 0);
	if (!toggler)
		toggle_for_ever();
	while (raised(bar, 6) - before < 100)
		expect_quiet(bar);
	for (unsigned int i = 0; i < rounds; i++) {
		unmask(bar, 1 << 6);
		await(bar);
		EXPECT(ask(bar, 0).count[6] == 1);
		expect_none(bar);
	}
	before = raised(bar, 6);
	do {
		expect_quiet(bar);
		toggles = raised(bar, 6) - before;
	} while (toggles < 10 * rounds);
	CHECK(kill(toggler, SIGKILL) == 0 && waitpid(toggler, NULL, 0) == toggler);
	/* It may have gone up several times before it was masked. */
	expect_runs(runs, 4 * rounds);
	lower_lines(bar, ALL);
}

#define UNMASKS	1000

/* Programs that let a line through that another handler is about to mask. */
TEST_LIMIT(unmasked_by_many, 200)
{
	int bar = open_all_down();
	uint64_t runs = handler_runs(), came;
	pid_t children[2];
	int status;

	raise_lines(bar, 1 << 6);
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (!children[i]) {
			int own = open_bar(O_RDWR);

			for (int n = 0; n < UNMASKS; n++)
				unmask(own, 1 << 6);
			_exit(0);
		}
	}
	for (int i = 0; i < 2; i++)
		CHECK(waitpid(children[i], &status, 0) == children[i] && status == 0);
	await(bar);
	sleep_ms(200);
	came = ask(bar, 0).count[6];
	EXPECT_MSG(came <= 2 * UNMASKS, "%llu interrupts for %d calls",
		   (unsigned long long)came, 2 * UNMASKS);
	expect_quiet(bar);
	expect_runs(runs, 2 * UNMASKS);
	/* It still comes, once for each call. */
	for (int i = 0; i < 5; i++) {
		unmask(bar, 1 << 6);
		await(bar);
		EXPECT(ask(bar, 0).count[6] == 1);
		expect_none(bar);
	}
	lower_lines(bar, ALL);
}

TEST(each_line_by_itself)
{
	int bar = open_all_down();
	struct grabber_irqs irqs;
	uint32_t came = 0;

	for (int line = 0; line < LINES; line++) {
		unmask(bar, 1 << line);
		raise_lines(bar, 1 << line);
		await(bar);
		irqs = ask(bar, 0);
		EXPECT_MSG(irqs.lines == 1u << line && irqs.count[line] == 1,
			   "line %d: %#x, %llu times", line, irqs.lines,
			   (unsigned long long)irqs.count[line]);
		lower_lines(bar, 1 << line);
	}
	/* All at once, whether by one interrupt or by many. */
	unmask(bar, ALL);
	raise_lines(bar, ALL);
	while (came != ALL) {
		await(bar);
		irqs = ask(bar, 0);
		EXPECT(!(came & irqs.lines));
		came |= irqs.lines;
		for (int line = 0; line < LINES; line++)
			EXPECT(irqs.count[line] == (irqs.lines >> line & 1));
	}
	lower_lines(bar, ALL);
	expect_quiet(bar);
}

/* poll() tells of the lines that the file asked about last. */
TEST(asked_about)
{
	int bar = open_all_down(), other = open_bar(O_RDONLY);

	EXPECT(ask(bar, 1 << 2).lines == 0);
	unmask(bar, 1 << 1 | 1 << 2);
	raise_lines(bar, 1 << 1);
	await(other);
	EXPECT(events(bar, 0) == 0);
	EXPECT(ask(bar, 1 << 2).lines == 0);
	raise_lines(bar, 1 << 2);
	await(bar);
	EXPECT(ask(bar, 1 << 2).lines == 1 << 2 && events(bar, 0) == 0);
	/* Not told of is not lost. */
	EXPECT(ask(bar, 0).lines == 1 << 1);
	lower_lines(bar, ALL);
}

/* The program's memory is not there: the next call tells it. */
TEST(told_once)
{
	int bar = open_all_down();
	struct grabber_irqs *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	unmask(bar, 1);
	raise_lines(bar, 1);
	await(bar);
	page->lines = 0;
	CHECK(mprotect(page, PAGE, PROT_READ) == 0);
	EXPECT_ERRNO(ioctl(bar, GRABBER_IOC_GET_IRQS, page), EFAULT);
	EXPECT(events(bar, 0) == POLLIN);
	EXPECT(ask(bar, 0).count[0] == 1);
	expect_quiet(bar);
	lower_lines(bar, 1);
}

#define READERS	6
#define ROUNDS	150

static void count_all(int bar, int ready)
{
	uint64_t total = 0;

	CHECK(write(ready, "", 1) == 1);
	while (total < ROUNDS) {
		await(bar);
		total += ask(bar, 1 << 5).count[5];
	}
	if (total != ROUNDS)
		_exit(1);
	/* There is no more. */
	_exit(events(bar, 200) != 0);
}

/* Every reader is told of every one, however slow others are, and sleeps in between. */
TEST_LIMIT(many_readers, 200)
{
	int bar = open_all_down(), pipes[2], status;
	uint32_t before = raised(bar, 5);
	pid_t readers[READERS];
	char byte;

	CHECK(ask(bar, 1 << 5).lines == 0 && pipe(pipes) == 0);
	for (int i = 0; i < READERS; i++) {
		readers[i] = fork();
		CHECK(readers[i] >= 0);
		if (!readers[i]) {
			int own = open_bar(O_RDONLY);

			ask(own, 1 << 5);
			count_all(own, pipes[1]);
		}
	}
	for (int i = 0; i < READERS; i++)
		CHECK(read(pipes[0], &byte, 1) == 1);
	unmask(bar, 1 << 5);
	for (int i = 0; i < ROUNDS; i++) {
		raise_lines(bar, 1 << 5);
		await(bar);
		EXPECT(ask(bar, 1 << 5).count[5] == 1);
		lower_lines(bar, 1 << 5);
		unmask(bar, 1 << 5);
	}
	EXPECT(raised(bar, 5) - before == ROUNDS);
	for (int i = 0; i < READERS; i++) {
		CHECK(waitpid(readers[i], &status, 0) == readers[i]);
		EXPECT_MSG(status == 0, "reader %d: status %#x", i, status);
	}
}

/* The user logic is the function's: a channel's node tells what another's does. */
TEST(all_channels_have_them)
{
	int bar = open_all_down(), other, own;

	if (get_info(bar).channels < 2)
		tap_skip("one channel");
	other = open(node_path(card_number() + 1, true), O_RDWR);
	CHECK(other >= 0);
	EXPECT(get_info(other).irq_lines == LINES && get_info(other).channel == 1);
	for (int i = 0; i < 20; i++) {
		own = i % 2 ? bar : other;
		unmask(own, 1 << 8);
		raise_lines(own, 1 << 8);
		await(bar);
		await(other);
		EXPECT(ask(bar, 0).count[8] == 1 && ask(other, 0).count[8] == 1);
		lower_lines(own, 1 << 8);
		expect_none(bar);
		expect_none(other);
	}
	/* The first channel's users leave, and it goes on. */
	close(bar);
	unmask(other, 1 << 8);
	raise_lines(other, 1 << 8);
	await(other);
	EXPECT(ask(other, 0).count[8] == 1);
	lower_lines(other, 1 << 8);
}

static void reset_card(int bar)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", get_info(bar).bus);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0 && write(fd, "1", 1) == 1);
	close(fd);
}

/* A reset takes the core's mask, and bus mastering: what was let through is so after it. */
TEST(over_a_reset)
{
	int bar = open_all_down();

	unmask(bar, 1 << 4 | 1 << 9);
	raise_lines(bar, 1 << 9);
	await(bar);
	EXPECT(ask(bar, 0).lines == 1 << 9);
	reset_card(bar);
	expect_quiet(bar);
	raise_lines(bar, ALL);
	await(bar);
	EXPECT(ask(bar, 0).lines == 1 << 4);
	expect_quiet(bar);
	lower_lines(bar, ALL);
}

/* They are no business of capture: it begins and ends, and the lines go on. */
TEST(beside_frames)
{
	int bar = open_all_down(), frames = open_frames(O_RDONLY);

	for (int i = 0; i < 6; i++) {
		if (i % 2)
			must_give(frames, must_take(frames).slot);
		else
			CHECK(ioctl(frames, GRABBER_IOC_STOP) == 0);
		unmask(bar, 1 << 15);
		raise_lines(bar, 1 << 15);
		await(bar);
		EXPECT(ask(bar, 0).count[15] == 1);
		lower_lines(bar, 1 << 15);
		CHECK(ioctl(frames, i % 2 ? GRABBER_IOC_STOP : GRABBER_IOC_START) == 0);
	}
	check_sums(get_stats(frames));
	expect_quiet(bar);
}

static uint16_t command(const char *bus)
{
	char path[128];
	uint16_t value;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bus);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0 && pread(fd, &value, 2, 4) == 2);
	close(fd);
	return value;
}

/* Messages need the card's way to memory: it is open as long as somebody waits for them. */
TEST(way_to_memory)
{
	int bar = open_bar(O_RDWR);
	struct grabber_info info = get_info(bar);
	bool line = by_line();

	EXPECT(!(command(info.bus) & 4));
	unmask(bar, 1);
	EXPECT(!(command(info.bus) & 4) == line);
	reset_card(bar);
	EXPECT(!(command(info.bus) & 4) == line);
	close(bar);
	EXPECT(!(command(info.bus) & 4));
}

/* By the host, some time, while this sleeps. */
TEST_LIMIT(from_outside, 120)
{
	int bar = open_all_down();
	struct grabber_irqs irqs;

	if (tap_argc < 3)
		tap_skip("nobody is there to raise them");
	unmask(bar, ALL);
	tap_note("WAITING");
	CHECK(events(bar, 100000) == POLLIN);
	irqs = ask(bar, 0);
	EXPECT_MSG(irqs.lines & 0x8002, "lines %#x", irqs.lines);
	lower_lines(bar, ALL);
}
