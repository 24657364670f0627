// SPDX-License-Identifier: GPL-2.0-only
/*
 * SET_BUFFER: other numbers and sizes of slots, and those that are refused. When it is
 * refused for what others do is in buffer_busy.c, and what frames look like that are cut
 * off at their slot's end in truncated.c.
 */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "card.h"
#include "frame_check.h"
#include "set_buffer.h"

static void check_layout(int fd, const struct grabber_buffer *layout, uint32_t slots,
			 uint32_t slot_size)
{
	EXPECT_MSG(layout->slots == slots, "%u slots, not %u", layout->slots, slots);
	EXPECT_MSG(layout->slot_size == slot_size, "slots of %u bytes, not %u",
		   layout->slot_size, slot_size);
	EXPECT(layout->stride == (slot_size + PAGE - 1) / PAGE * PAGE);
	EXPECT(layout->status_offset == slots * layout->stride);
	EXPECT(layout->status_size % PAGE == 0);
	EXPECT(layout->status_size >= sizeof(struct grabber_status) +
	       slots * (sizeof(struct grabber_status_slot) + sizeof(uint32_t)));
	EXPECT(layout->mmap_size == layout->status_offset + layout->status_size);
	EXPECT(layout->hold_total == slots - (slots > 3 ? 3 : 2));
	EXPECT(layout->hold_max == layout->hold_total - (layout->hold_total > 1));
	EXPECT(!layout->reserved);
	EXPECT_MSG(same_layout(*layout, get_buffer(fd)), "GET_BUFFER says something else");
}

struct status_page {
	const struct grabber_status *head;
	const struct grabber_status_slot *entries;
	const uint32_t *order;
};

static struct status_page find_status(const uint8_t *map, const struct grabber_buffer *layout)
{
	const uint8_t *at = map + layout->status_offset;
	struct status_page page = { .head = (const void *)at };

	CHECK(page.head->abi_version == GRABBER_ABI_VERSION && page.head->slots == layout->slots);
	page.entries = (const void *)(at + page.head->entries_offset);
	page.order = (const void *)(at + page.head->order_offset);
	return page;
}

/*
 * @count whole frames by the status page. The one that is looked at may be overwritten
 * meanwhile, which the page must tell.
 */
static void frames_by_page(int fd, const struct grabber_buffer *layout, int count)
{
	uint8_t *map = map_frames(fd, PROT_READ), *copy = malloc(layout->slot_size);
	struct status_page page = find_status(map, layout);
	struct frame_check *check = frame_check_open(fd);
	uint64_t next = get_stats(fd).reader_next;
	int64_t end = now_ns() + 30 * NS_PER_S;

	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	while (count) {
		uint64_t frames = __atomic_load_n(&page.head->frames, __ATOMIC_ACQUIRE);
		const struct grabber_status_slot *entry;
		uint64_t generation;
		uint32_t slot, number;

		CHECK_MSG(now_ns() < end, "frame %llu did not come, %llu are there",
			  (unsigned long long)next, (unsigned long long)frames);
		if (frames <= next)
			continue;
		next = frames - 1;
		slot = *(volatile const uint32_t *)&page.order[next % layout->slots];
		CHECK(slot < layout->slots);
		entry = &page.entries[slot];
		generation = __atomic_load_n(&entry->generation, __ATOMIC_ACQUIRE);
		if (generation % 2 || entry->frame != next)
			continue;
		memcpy(copy, map + slot * layout->stride, entry->bytes);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&entry->generation, __ATOMIC_RELAXED) != generation)
			continue;
		CHECK(frame_check(check, copy, entry->bytes, &number));
		next++;
		count--;
	}
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	munmap(map, layout->mmap_size);
	free(copy);
}

static void frames_by_take(int fd, int count)
{
	good_frames(fd, count);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
}

static void frames_by_read(int fd, int count)
{
	uint32_t size = get_format(fd).sizeimage, number;
	struct frame_check *check = frame_check_open(fd);
	uint8_t *frame = malloc(size);

	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	while (count--) {
		ssize_t got = read(fd, frame, size);

		CHECK_MSG(got == (ssize_t)size, "read() gave %zd", got);
		CHECK(frame_check(check, frame, size, &number));
	}
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	free(frame);
}

TEST_LIMIT(other_numbers_and_sizes, 180)
{
	static const uint32_t counts[] = { 2, 3, 16, 100, 4, 5 };
	int fd = open_frames(O_RDWR);
	uint32_t frame = get_format(fd).sizeimage;
	/* The last one is above what the page allocator gives in one block. */
	const uint32_t sizes[] = { frame, frame + 1, 2 * frame };
	struct grabber_buffer layout;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			if (counts[i] == 100 && j)
				continue;
			must_set(fd, counts[i], sizes[j], &layout);
			check_layout(fd, &layout, counts[i], sizes[j]);
			frames_by_page(fd, &layout, counts[i] == 2 ? 3 : 1);
			if (counts[i] == 2) {
				struct grabber_take take;

				CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
				EXPECT(take_frame(fd, &take, NS_PER_S) == EBUSY);
				CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
				continue;
			}
			frames_by_take(fd, 3);
			frames_by_read(fd, 2);
		}
	check_sums(get_stats(fd));
	/* 0: as many as there are, and what a frame needs. */
	must_set(fd, 7, 2 * frame, NULL);
	must_set(fd, 0, 0, &layout);
	check_layout(fd, &layout, 7, frame);
	must_set(fd, 0, frame + 5, &layout);
	check_layout(fd, &layout, 7, frame + 5);
	must_set(fd, 9, 0, &layout);
	check_layout(fd, &layout, 9, frame);
}

/* Sizes above the page allocator's largest block, and the limit itself. */
TEST_LIMIT(large_slots, 120)
{
	int fd = open_frames(O_RDWR);
	struct grabber_buffer layout;

	if (strcmp(get_info(fd).board, "xdma"))
		tap_skip("this board needs slots in one piece");
	must_set(fd, 4, (9 << 20) + 12, &layout);
	check_layout(fd, &layout, 4, (9 << 20) + 12);
	frames_by_take(fd, 4);
	must_set(fd, 2, 64 << 20, &layout);
	check_layout(fd, &layout, 2, 64 << 20);
	frames_by_page(fd, &layout, 3);
	must_set(fd, 8, 0, NULL);
}

/* As many slots as may be, or as memory allows. */
TEST_LIMIT(many_slots, 180)
{
	int fd = open_frames(O_RDWR), err;
	struct grabber_buffer layout;
	uint32_t slots = 1024;

	while ((err = set_buffer(fd, slots, 0, &layout)) == ENOMEM && slots > 16)
		slots -= slots / 8;
	CHECK_MSG(!err, "%u slots: %s", slots, strerror(err));
	tap_note("%u slots of %u bytes", slots, layout.slot_size);
	check_layout(fd, &layout, slots, get_format(fd).sizeimage);
	frames_by_take(fd, 300);
	check_sums(get_stats(fd));
	must_set(fd, 8, 0, NULL);
}

/* Numbers go on over a change, and readers learn what they missed. */
TEST(numbers_go_on)
{
	int fd = open_frames(O_RDWR), late = open_frames(O_RDWR);
	struct grabber_stats before, after;
	struct grabber_take take, next;
	struct grabber_buffer layout;
	struct status_page page;
	uint64_t unread, frames;
	uint8_t *map;
	int err;

	must_set(fd, 8, 0, NULL);
	take = must_take(fd);
	must_give(fd, take.slot);
	/* One that is in the buffer, and nobody came for. */
	CHECK(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 60000) == 1);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	before = get_stats(fd);
	unread = get_stats(late).reader_next;
	must_set(fd, 5, 0, &layout);
	after = get_stats(fd);
	after.readers = before.readers;
	EXPECT_MSG(!memcmp(&before, &after, sizeof(after)), "counters changed with the buffer");
	check_sums(after);

	map = map_frames(fd, PROT_READ);
	page = find_status(map, &layout);
	EXPECT(page.head->begun == before.begun && page.head->delivered == before.delivered);
	EXPECT(page.head->dropped_stop == before.dropped_stop);
	EXPECT(!(page.head->flags & (GRABBER_STATUS_STREAMING | GRABBER_STATUS_GONE)));
	frames = page.head->frames;
	EXPECT(frames >= after.reader_next);
	/* None of them has a frame. */
	for (uint32_t i = 0; i < layout.slots; i++)
		EXPECT(page.entries[i].generation % 2);
	/* What was in the buffer is gone, and is missed. On a busy host the card may have
	 * made a frame before the call looks.
	 */
	EXPECT(take_frame(fd, &next, 0) == ECANCELED);
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	err = take_frame(fd, &next, 0);
	if (err) {
		EXPECT(err == EAGAIN);
		next = must_take(fd);
	}
	EXPECT_MSG(next.sequence >= before.begun, "frame %llu after %llu had begun",
		   (unsigned long long)next.sequence, (unsigned long long)before.begun);
	EXPECT(next.frame_flags & GRABBER_FRAME_DISCONTINUITY);
	must_give(fd, next.slot);
	after = get_stats(fd);
	EXPECT_MSG(after.reader_next - before.reader_next ==
		   after.reader_delivered - before.reader_delivered +
		   after.reader_missed - before.reader_missed, "a frame was neither given nor missed");
	EXPECT(after.reader_missed > before.reader_missed);
	next = must_take(late);
	after = get_stats(late);
	EXPECT(next.missed == after.reader_missed);
	EXPECT_MSG(after.reader_next - unread == 1 + after.reader_missed &&
		   after.reader_missed >= frames - unread,
		   "%llu missed of %llu, %llu of them before the change",
		   (unsigned long long)after.reader_missed,
		   (unsigned long long)(after.reader_next - unread),
		   (unsigned long long)(frames - unread));
}

/* Who may only read changes nothing for others, but frames he gets. */
TEST(read_only_file)
{
	int fd = open_frames(O_RDONLY);
	struct grabber_format format = get_format(fd);

	must_set(open_frames(O_RDWR), 8, 0, NULL);
	refused(fd, (struct grabber_buffer){ .slots = 5 }, EACCES);
	refused(fd, (struct grabber_buffer){ 0 }, EACCES);
	EXPECT_ERRNO(ioctl(fd, GRABBER_IOC_SET_FORMAT, &format), EACCES);
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	must_give(fd, must_take(fd).slot);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
}

TEST(out_of_range)
{
	int fd = open_frames(O_RDWR);
	uint32_t frame = get_format(fd).sizeimage;

#define REFUSED(...) refused(fd, (struct grabber_buffer){ __VA_ARGS__ }, EINVAL)
	REFUSED(.slots = 1);
	REFUSED(.slots = 1025);
	REFUSED(.slots = ~0U);
	REFUSED(.slot_size = (64 << 20) + 1);
	REFUSED(.slot_size = ~0U);
	REFUSED(.stride = PAGE);
	REFUSED(.mmap_size = PAGE);
	REFUSED(.hold_max = 1);
	REFUSED(.status_size = PAGE);
	REFUSED(.status_offset = 1ULL << 40);
	REFUSED(.hold_total = 1);
	REFUSED(.reserved = 1);
	REFUSED(.reserved = 1U << 31);
	if (strcmp(get_info(fd).board, "xdma")) {
		/* The others cannot cut a frame off. */
		REFUSED(.slot_size = frame - 1);
		REFUSED(.slot_size = 1);
	}
#undef REFUSED
	refused(fd, get_buffer(fd), EINVAL);
	is_free(fd);
}

/*
 * What is asked for is more than there is. Sizes of all sorts, so that it is now this
 * and now that allocation which fails. If a program is killed for its memory, the kernel
 * log says so.
 */
TEST_LIMIT(too_much, 300)
{
	static const uint32_t sizes[] = { 64 << 20, 2 << 20, (16 << 20) + 1, 777777 };
	int fd = open_frames(O_RDWR);
	struct grabber_buffer layout;
	pid_t witness;

	must_set(fd, 8, 0, &layout);
	/* Another program, that has nothing to do with it. */
	witness = fork();
	CHECK(witness >= 0);
	if (!witness)
		pause();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		refused(fd, (struct grabber_buffer){ .slots = 1024, .slot_size = sizes[i] }, ENOMEM);
	frames_by_take(fd, 10);
	frames_by_read(fd, 2);
	EXPECT_MSG(waitpid(witness, NULL, WNOHANG) == 0, "another program was killed");
	kill(witness, SIGKILL);
	is_free(fd);
}

static uint64_t first_page(int fd, const struct grabber_buffer *layout)
{
	uint8_t *map = map_frames(fd, PROT_READ);
	uint64_t at = physical_address(map);

	munmap(map, layout->mmap_size);
	return at;
}

/* Nobody else has a page of it: it needs no other memory, and is as good as new. */
TEST(the_same_again)
{
	int fd = open_frames(O_RDWR);
	struct grabber_buffer layout;
	struct status_page page;
	struct grabber_take take;
	uint64_t at;

	must_set(fd, 6, 0, &layout);
	at = first_page(fd, &layout);
	take = must_take(fd);
	must_give(fd, take.slot);
	CHECK(ioctl(fd, GRABBER_IOC_STOP) == 0);
	must_set(fd, 6, 0, &layout);
	check_layout(fd, &layout, 6, layout.slot_size);
	EXPECT_MSG(first_page(fd, &layout) == at, "the buffer got other pages");
	EXPECT(take_frame(fd, &take, 0) == ECANCELED);
	page = find_status(map_frames(fd, PROT_READ), &layout);
	for (uint32_t i = 0; i < layout.slots; i++)
		EXPECT(page.entries[i].generation % 2 && page.entries[i].frame == 0);
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	take = must_take(fd);
	EXPECT(take.frame_flags & GRABBER_FRAME_DISCONTINUITY);
	must_give(fd, take.slot);
}
