// SPDX-License-Identifier: GPL-2.0-only
/* Every ioctl with numbers, flags and pointers that it must refuse. */
#include "card.h"

enum node { FRAMES = 1, BAR = 2 };

static const struct call {
	const char *name;
	unsigned long cmd;
	int nodes;
} calls[] = {
	{ "INFO", GRABBER_IOC_INFO, FRAMES | BAR },
	{ "ENUM_BAR", GRABBER_IOC_ENUM_BAR, FRAMES | BAR },
	{ "GET_FORMAT", GRABBER_IOC_GET_FORMAT, FRAMES },
	{ "GET_BUFFER", GRABBER_IOC_GET_BUFFER, FRAMES },
	{ "GET_STATS", GRABBER_IOC_GET_STATS, FRAMES },
	{ "START", GRABBER_IOC_START, FRAMES },
	{ "STOP", GRABBER_IOC_STOP, FRAMES },
	{ "TAKE", GRABBER_IOC_TAKE, FRAMES },
	{ "GIVE", GRABBER_IOC_GIVE, FRAMES },
	{ "SEEK", GRABBER_IOC_SEEK, FRAMES },
	{ "EXPORT", GRABBER_IOC_EXPORT, FRAMES },
	{ "SET_BUFFER", GRABBER_IOC_SET_BUFFER, FRAMES },
	{ "SET_FORMAT", GRABBER_IOC_SET_FORMAT, FRAMES },
	{ "ENUM_FORMAT", GRABBER_IOC_ENUM_FORMAT, FRAMES },
	{ "SLOT_ADDRESS", GRABBER_IOC_SLOT_ADDRESS, BAR },
	{ "UNMASK_IRQ", GRABBER_IOC_UNMASK_IRQ, BAR },
	{ "SET_BAR", GRABBER_IOC_SET_BAR, BAR },
	{ "GET_IRQS", GRABBER_IOC_GET_IRQS, BAR },
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static int open_either(enum node node)
{
	return node == BAR ? open_bar(O_RDWR) : open_frames(O_RDWR);
}

/* Of the calls with a structure: size, and whether the kernel writes it. */
static size_t size_of(const struct call *call)
{
	return _IOC_SIZE(call->cmd);
}

static bool is_out(const struct call *call)
{
	return _IOC_DIR(call->cmd) & _IOC_READ;
}

static bool known(unsigned long cmd, enum node node)
{
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].cmd == cmd)
			return calls[i].nodes & node;
	return false;
}

static uint8_t argument[1 << 14];

static void unknown_numbers(enum node node)
{
	static const unsigned int dirs[] = {
		_IOC_NONE, _IOC_READ, _IOC_WRITE, _IOC_READ | _IOC_WRITE
	};
	int fd = open_either(node), bad = 0;

	for (unsigned int nr = 0; nr < 256; nr++)
		for (int d = 0; d < 4; d++)
			for (unsigned int size = 0; size <= 256; size += size < 8 ? 1 : 8) {
				unsigned long cmd = _IOC(dirs[d], GRABBER_IOC_MAGIC, nr, size);

				if (known(cmd, node))
					continue;
				errno = 0;
				if (ioctl(fd, cmd, argument) == -1 && errno == ENOTTY)
					continue;
				if (bad++ < 5)
					tap_failed(__FILE__, __LINE__,
						   "node %d, ioctl %#lx: errno %d, not ENOTTY",
						   node, cmd, errno);
			}
	EXPECT_MSG(!bad, "%d unknown ioctls were not refused with ENOTTY", bad);
	close(fd);
}

TEST(unknown_is_enotty)
{
	unknown_numbers(FRAMES);
	unknown_numbers(BAR);
}

/* A known call with another direction, or a structure of another size. */
static void near_misses(enum node node)
{
	int fd = open_either(node);

	for (size_t i = 0; i < CALLS; i++) {
		unsigned int dir = _IOC_DIR(calls[i].cmd);
		unsigned int size = size_of(&calls[i]), nr = _IOC_NR(calls[i].cmd);

		EXPECT_ERRNO(ioctl(fd, _IOC(dir ^ _IOC_READ, GRABBER_IOC_MAGIC, nr, size),
				   argument), ENOTTY);
		EXPECT_ERRNO(ioctl(fd, _IOC(dir ^ _IOC_WRITE, GRABBER_IOC_MAGIC, nr, size),
				   argument), ENOTTY);
		EXPECT_ERRNO(ioctl(fd, _IOC(dir, GRABBER_IOC_MAGIC, nr, size + 4), argument),
			     ENOTTY);
		EXPECT_ERRNO(ioctl(fd, _IOC(dir, GRABBER_IOC_MAGIC, nr, (1 << 14) - 1), argument),
			     ENOTTY);
		EXPECT_ERRNO(ioctl(fd, _IOC(dir, GRABBER_IOC_MAGIC - 1, nr, size), argument),
			     ENOTTY);
		if (!(calls[i].nodes & node))
			EXPECT_ERRNO(ioctl(fd, calls[i].cmd, argument), ENOTTY);
	}
	close(fd);
}

TEST(near_misses_are_enotty)
{
	near_misses(FRAMES);
	near_misses(BAR);
}

TEST(foreign_ioctls_are_enotty)
{
	for (int node = FRAMES; node <= BAR; node++) {
		int fd = open_either(node);

		EXPECT_ERRNO(ioctl(fd, 0x5401 /* TCGETS */, argument), ENOTTY);
		EXPECT_ERRNO(ioctl(fd, 0x541b /* FIONREAD */, argument), ENOTTY);
		EXPECT_ERRNO(ioctl(fd, 0, argument), ENOTTY);
		EXPECT_ERRNO(ioctl(fd, ~0u, argument), ENOTTY);
	}
}

/* Right calls on the right node: none is ENOTTY, or the tests above prove little. */
TEST(known_is_known)
{
	for (size_t i = 0; i < CALLS; i++)
		for (int node = FRAMES; node <= BAR; node++) {
			int fd = open_either(node);

			if (!(calls[i].nodes & node))
				continue;
			memset(argument, 0, sizeof(argument));
			errno = 0;
			ioctl(fd, calls[i].cmd, argument);
			EXPECT_MSG(errno != ENOTTY, "%s is not known on node %d", calls[i].name,
				   node);
			close(fd);
		}
}

TEST(take_flags_and_reserved)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_stats before = get_stats(fd), after;

	for (int bit = 0; bit < 32; bit++) {
		struct grabber_take take = { .flags = 1U << bit, .timeout_ns = 20 * NS_PER_S };

		/* GRABBER_TAKE_GIVE too, for no slot is held. */
		if (take.flags & (GRABBER_TAKE_NEWEST | GRABBER_TAKE_RESTARTED))
			continue;
		EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_TAKE, &take), EINVAL);
		take.flags |= GRABBER_TAKE_NEWEST;
		EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_TAKE, &take), EINVAL);
	}
	/* A deadline is only for a call that goes on, and never before the machine's start. */
	for (int bit = 0; bit < 64; bit++) {
		struct grabber_take take = {
			.timeout_ns = 20 * NS_PER_S, .deadline_ns = 1ULL << bit,
		};

		EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_TAKE, &take), EINVAL);
		take.flags = GRABBER_TAKE_RESTARTED;
		if (bit == 63)
			EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_TAKE, &take), EINVAL);
	}
	after = get_stats(fd);
	EXPECT(after.held == 0 && after.reader_delivered == before.reader_delivered);
}

TEST(give_flags)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_take take = must_take(fd);

	for (int bit = 0; bit < 32; bit++) {
		struct grabber_give give = { .slot = take.slot, .flags = 1U << bit };

		EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_GIVE, &give), EINVAL);
	}
	EXPECT_MSG(get_stats(fd).held == 1, "a refused GIVE gave the slot back");
	must_give(fd, take.slot);
}

/* For board "generic" alone, where xdma_from_user_space.c has what it refuses. */
TEST(slot_address_is_not_for_this_board)
{
	struct grabber_slot_address address = { 0 };
	int fd = open_bar(O_RDWR);

	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_SLOT_ADDRESS, &address), EOPNOTSUPP);
}

/* Unless the card has user logic; lines.c has what is refused where it has. */
TEST(interrupts_are_not_for_every_board)
{
	struct grabber_irqs irqs = { 0 };
	int fd = open_bar(O_RDWR);
	__u32 line = 1;

	if (get_info(fd).irq_lines) {
		EXPECT(ioctl(fd, GRABBER_IOC_GET_IRQS, &irqs) == 0);
		return;
	}
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_GET_IRQS, &irqs), EOPNOTSUPP);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_UNMASK_IRQ, &line), EOPNOTSUPP);
}

/* A valid argument for the call, so that only the pointer is wrong. */
static void prepare(const struct call *call, int fd, void *at)
{
	memset(at, 0, size_of(call));
	if (call->cmd == GRABBER_IOC_TAKE)
		((struct grabber_take *)at)->timeout_ns = 20 * NS_PER_S;
	if (call->cmd == GRABBER_IOC_UNMASK_IRQ)
		*(__u32 *)at = 1;
	if (call->cmd == GRABBER_IOC_SEEK)
		((struct grabber_seek *)at)->frame = get_stats(fd).reader_next;
	if (call->cmd == GRABBER_IOC_SET_FORMAT)
		*(struct grabber_format *)at = get_format(fd);
	if (call->cmd == GRABBER_IOC_GIVE) {
		/* The structure is only read: give what is held. */
		((struct grabber_give *)at)->slot = must_take(fd).slot;
	}
}

/* Board "generic" alone has SLOT_ADDRESS, and a card without user logic has no lines: there
 * the call ends before its argument. EXPORT needs a held slot: it has a test of its own.
 */
static bool works_here(const struct call *call)
{
	if (call->cmd == GRABBER_IOC_GET_IRQS || call->cmd == GRABBER_IOC_UNMASK_IRQ) {
		int fd = open_bar(O_RDWR);
		bool has_lines = get_info(fd).irq_lines;

		close(fd);
		return has_lines;
	}
	if (call->cmd == GRABBER_IOC_EXPORT)
		return false;
	return call->cmd != GRABBER_IOC_SLOT_ADDRESS;
}

static void bad_pointers(const struct call *call, enum node node)
{
	int fd = open_either(node);
	/* One page that can be used, with nothing before and behind it. */
	uint8_t *hole = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *page = hole + PAGE;
	void *const bad[] = {
		NULL, (void *)1, hole, (void *)0xffff888000000000, (void *)0xffffffff81000000,
		(void *)-8, (void *)0x8000000000000000, (void *)0x7ffffffff000,
		page + PAGE - size_of(call) + 4, page - 4,
	};

	CHECK(hole != MAP_FAILED && mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		EXPECT_MSG(ioctl(fd, call->cmd, bad[i]) == -1 && errno == EFAULT,
			   "%s at %p: errno %d (%s), not EFAULT", call->name, bad[i], errno,
			   strerror(errno));
	}
	if (is_out(call)) {
		prepare(call, fd, page);
		CHECK(mprotect(page, PAGE, PROT_READ) == 0);
		errno = 0;
		EXPECT_MSG(ioctl(fd, call->cmd, page) == -1 && errno == EFAULT,
			   "%s into a read-only page: errno %d (%s), not EFAULT", call->name,
			   errno, strerror(errno));
		CHECK(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
	}
	if (node == FRAMES)
		EXPECT_MSG(get_stats(fd).held == 0, "%s with a bad pointer holds a slot",
			   call->name);
	/* The last bytes of a page are enough: nothing behind the structure is touched. */
	prepare(call, fd, page + PAGE - size_of(call));
	EXPECT_MSG(ioctl(fd, call->cmd, page + PAGE - size_of(call)) == 0,
		   "%s at the end of a page: %s", call->name, strerror(errno));
	munmap(hole, 3 * PAGE);
	close(fd);
}

TEST(bad_pointer_is_efault)
{
	for (size_t i = 0; i < CALLS; i++)
		for (int node = FRAMES; node <= BAR; node++)
			if (calls[i].nodes & node && size_of(&calls[i]) && works_here(&calls[i]))
				bad_pointers(&calls[i], node);
}

TEST(export_refuses)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_take take = must_take(fd);
	struct grabber_export args = { .slot = take.slot, .flags = O_CLOEXEC };
	struct grabber_buffer buffer = get_buffer(fd);
	char *at_end = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct grabber_export bad = args;
	int next_fd = dup(fd);

	close(next_fd);
	bad.flags = O_APPEND;
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_EXPORT, &bad), EINVAL);
	bad = args;
	bad.reserved[4] = 1;
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_EXPORT, &bad), EINVAL);
	bad = args;
	bad.slot = (take.slot + 1) % buffer.slots;
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_EXPORT, &bad), EINVAL);
	bad.slot = ~0U;
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_EXPORT, &bad), EINVAL);
	memcpy(at_end, &args, sizeof(args));
	CHECK(mprotect(at_end, PAGE, PROT_READ) == 0);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_EXPORT, at_end), EFAULT);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_EXPORT, NULL), EFAULT);
	/* None of them left a descriptor or a hold behind. */
	EXPECT(dup(fd) == next_fd);
	must_give(fd, take.slot);
	EXPECT(get_stats(fd).held == 0);

	/* And a good one holds the slot until its descriptor is closed. */
	take = must_take(fd);
	args.slot = take.slot;
	CHECK(ioctl(fd, GRABBER_IOC_EXPORT, &args) == 0);
	must_give(fd, take.slot);
	EXPECT(get_stats(fd).held == 1);
	EXPECT(lseek(args.fd, 0, SEEK_END) == (off_t)buffer.stride);
	close(args.fd);
	EXPECT(get_stats(fd).held == 0);
}

/* A frame whose TAKE could not be told of is not lost: the next one gives it. */
TEST(take_after_efault_still_counts)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_take take = must_take(fd);
	uint64_t last = take.sequence, skipped = 0;
	struct grabber_stats stats;

	must_give(fd, take.slot);
	for (int i = 0; i < 3; i++)
		EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_TAKE, NULL), EFAULT);
	take = must_take(fd);
	stats = get_stats(fd);
	if (take.sequence > last + 1)
		skipped = take.sequence - last - 1;
	EXPECT_MSG(take.sequence > last, "sequence %llu after %llu",
		   (unsigned long long)take.sequence, (unsigned long long)last);
	EXPECT_MSG(stats.reader_delivered == 2, "reader_delivered is %llu, not 2",
		   (unsigned long long)stats.reader_delivered);
	EXPECT_MSG(skipped == take.missed || stats.begun > stats.delivered,
		   "%llu frames skipped, but %llu missed and none lost",
		   (unsigned long long)skipped, (unsigned long long)take.missed);
	must_give(fd, take.slot);
}

static void expect_zero(const char *name, const void *at, size_t bytes)
{
	const uint8_t *byte = at;

	for (size_t i = 0; i < bytes; i++)
		if (byte[i]) {
			EXPECT_MSG(false, "%s: byte %zu is %#x, not 0", name, i, byte[i]);
			return;
		}
}

/* Bytes behind a string's end count as reserved: nothing of the kernel's is in them. */
static void expect_string(const char *name, const char *at, size_t room)
{
	size_t length = strnlen(at, room);

	EXPECT_MSG(length > 0 && length < room, "%s has no text or no end", name);
	if (length < room)
		expect_zero(name, at + length, room - length);
}

TEST(out_structures_are_whole)
{
	int fd = open_frames(O_RDONLY);
	struct {
		union {
			struct grabber_info info;
			struct grabber_format format;
			struct grabber_buffer buffer;
			struct grabber_stats stats;
			struct grabber_take take;
		};
		uint8_t guard[64];
	} out;

#define POISON_AND_CALL(cmd)							\
	do {									\
		memset(&out, 0xa5, sizeof(out));				\
		CHECK(ioctl(fd, cmd, &out) == 0);				\
		for (size_t i = _IOC_SIZE(cmd); i < sizeof(out); i++)		\
			CHECK_MSG(((uint8_t *)&out)[i] == 0xa5,			\
				  #cmd " wrote byte %zu, behind its structure", i); \
	} while (0)

	POISON_AND_CALL(GRABBER_IOC_INFO);
	expect_string("info.driver", out.info.driver, sizeof(out.info.driver));
	expect_string("info.board", out.info.board, sizeof(out.info.board));
	expect_string("info.bus", out.info.bus, sizeof(out.info.bus));
	expect_zero("info.reserved", out.info.reserved, sizeof(out.info.reserved));
	EXPECT(out.info.abi_version == GRABBER_ABI_VERSION);
	EXPECT(out.info.card == (uint32_t)card_number());
	EXPECT(out.info.bar_mmap_size <= ((out.info.bar_size + PAGE - 1) & ~(PAGE - 1)));
	EXPECT(!(out.info.flags & ~(GRABBER_INFO_STREAMING | GRABBER_INFO_BAR_PREFETCHABLE)));

	POISON_AND_CALL(GRABBER_IOC_GET_FORMAT);
	expect_zero("format.reserved", out.format.reserved, sizeof(out.format.reserved));

	POISON_AND_CALL(GRABBER_IOC_GET_BUFFER);
	EXPECT(out.buffer.reserved == 0);
	EXPECT(out.buffer.slots >= 3 && out.buffer.hold_max >= 1 &&
	       out.buffer.hold_max <= out.buffer.hold_total &&
	       out.buffer.hold_total <= out.buffer.slots - 2);
	EXPECT(out.buffer.stride % PAGE == 0 && out.buffer.stride >= out.buffer.slot_size);
	EXPECT(out.buffer.status_offset == out.buffer.slots * out.buffer.stride);
	EXPECT(out.buffer.status_size && out.buffer.status_size % PAGE == 0);
	EXPECT(out.buffer.mmap_size == out.buffer.status_offset + out.buffer.status_size);

	POISON_AND_CALL(GRABBER_IOC_GET_STATS);
	expect_zero("stats.reserved", out.stats.reserved, sizeof(out.stats.reserved));
	EXPECT(out.stats.readers == 1);

	memset(&out, 0xa5, sizeof(out));
	out.take.flags = 0;
	out.take.timeout_ns = 20 * NS_PER_S;
	out.take.deadline_ns = 0;
	CHECK(ioctl(fd, GRABBER_IOC_TAKE, &out) == 0);
	EXPECT(out.take.deadline_ns == 0);
	EXPECT(!(out.take.frame_flags & ~(GRABBER_FRAME_TRUNCATED | GRABBER_FRAME_SHORT |
					  GRABBER_FRAME_DISCONTINUITY)));
	EXPECT_MSG(out.take.missed == 0, "the first frame of a file has %llu missed before it",
		   (unsigned long long)out.take.missed);
	for (size_t i = sizeof(out.take); i < sizeof(out); i++)
		CHECK_MSG(((uint8_t *)&out)[i] == 0xa5, "TAKE wrote byte %zu", i);
	must_give(fd, out.take.slot);
}

TEST(both_nodes_tell_the_same)
{
	int frames = open_frames(O_RDONLY), bar = open_bar(O_RDONLY);
	struct grabber_info a = get_info(frames), b = get_info(bar);

	a.flags &= ~GRABBER_INFO_STREAMING;
	b.flags &= ~GRABBER_INFO_STREAMING;
	EXPECT(memcmp(&a, &b, sizeof(a)) == 0);
}
