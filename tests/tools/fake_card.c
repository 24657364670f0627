// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card made of software, linked into grabberctl in place of the kernel's
 * driver: open(), ioctl(), read() and poll() of nodes below FAKE_DEV_DIR come
 * here. Frame memory is a memfd, so that mmap() is the kernel's own; the register
 * window is the node's own file. It is no proof of the driver, only a way to see
 * what grabberctl makes of a card that loses frames, stops or vanishes.
 *
 * Environment: FAKE_WIDTH, FAKE_HEIGHT, FAKE_FOURCC, FAKE_PAD (bytes after each
 * line), FAKE_SLOTS, FAKE_SLOT_SIZE, FAKE_HOLD (slots that may be held), FAKE_RATE
 * (frames a second), FAKE_FRAMES (then it stops), FAKE_LOSE (each so many-th frame
 * never comes), FAKE_SHORT (this frame has half its bytes), FAKE_GONE (after so many
 * frames the card vanishes), FAKE_ABI, FAKE_FOREIGN (the node is some other
 * driver's), FAKE_FREE (it takes other formats), FAKE_CHOICES (how many formats it
 * offers), FAKE_BUSY (changes are refused: "running", "held" or "mapped"), FAKE_OLD
 * (a driver without calls that change things), FAKE_MEMORY (bytes there are for
 * slots), FAKE_LIMIT (bytes that users may have of it), FAKE_CUTS (it can cut frames
 * off), FAKE_UNFIT (a frame is not accounted for), FAKE_REPORT (a file that is told at
 * exit how many slots are held).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/grabber.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fake_paths.h"

#define SLOTS_MAX	64
#define PAGE		4096UL

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
ssize_t __real_read(int fd, void *buffer, size_t bytes);
ssize_t __wrap_read(int fd, void *buffer, size_t bytes);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

struct slot {
	bool ready;
	bool held;
	uint64_t sequence;
	uint64_t timestamp;
	uint32_t bytes;
	uint32_t flags;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t frame;
	int fd;
	int bar_fd;
	bool running;
	uint8_t *memory;
	struct grabber_format format;
	struct grabber_buffer layout;
	struct grabber_stats stats;
	struct slot slots[SLOTS_MAX];
	uint64_t next_sequence;
	uint64_t cursor;
} card = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.frame = PTHREAD_COND_INITIALIZER,
	.fd = -1,
	.bar_fd = -1,
};

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* The oldest slot that nobody holds. */
static int next_slot(void)
{
	int best = -1;

	for (uint32_t i = 0; i < card.layout.slots; i++) {
		if (card.slots[i].held)
			continue;
		if (!card.slots[i].ready)
			return i;
		if (best < 0 || card.slots[i].sequence < card.slots[best].sequence)
			best = i;
	}
	return best;
}

/* Every byte tells of its place and its frame; test_grabberctl.py knows the rule. */
static void paint(uint8_t *to, uint64_t sequence)
{
	for (uint32_t i = 0; i < card.format.sizeimage; i++)
		to[i] = i * 7 + i / card.format.bytesperline * 3 + sequence * 31;
}

static void make_frame(uint64_t sequence, uint64_t when)
{
	uint64_t lose = number("FAKE_LOSE", 0);
	struct slot *slot;
	int index;

	card.stats.begun++;
	if (lose && sequence % lose == lose - 1) {
		card.stats.lost_by_card++;
		return;
	}
	index = next_slot();
	if (index < 0) {
		card.stats.dropped_no_slot++;
		return;
	}
	slot = &card.slots[index];
	paint(card.memory + index * card.layout.stride, sequence);
	*slot = (struct slot){
		.ready = true,
		.sequence = sequence,
		.timestamp = when,
		.bytes = card.format.sizeimage,
	};
	if (sequence == number("FAKE_SHORT", UINT64_MAX)) {
		slot->bytes /= 2;
		slot->flags = GRABBER_FRAME_SHORT;
	}
	card.stats.delivered++;
	pthread_cond_broadcast(&card.frame);
}

static void *produce(void *arg)
{
	uint64_t period_ns = 1000000000ULL / number("FAKE_RATE", 100);
	uint64_t frames = number("FAKE_FRAMES", UINT64_MAX), due = now_ns();

	(void)arg;
	while (card.next_sequence < frames) {
		struct timespec until;

		due += period_ns;
		until.tv_sec = due / 1000000000;
		until.tv_nsec = due % 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		pthread_mutex_lock(&card.lock);
		/* When it was due, however busy this machine is. */
		make_frame(card.next_sequence++, due);
		pthread_mutex_unlock(&card.lock);
	}
	return NULL;
}

/* Capture runs from the first wish for a frame on. */
static void start(void)
{
	pthread_t thread;

	if (!card.running)
		pthread_create(&thread, NULL, produce, NULL);
	card.running = true;
}

static int find(bool newest)
{
	int best = -1;

	for (uint32_t i = 0; i < card.layout.slots; i++) {
		struct slot *slot = &card.slots[i];

		if (!slot->ready || slot->sequence < card.cursor)
			continue;
		if (best < 0 || (slot->sequence > card.slots[best].sequence) == newest)
			best = i;
	}
	return best;
}

/* Called with the lock held, which it gives up while it waits. */
static int wait_frame(int64_t timeout_ns, bool newest)
{
	struct timespec until;
	int index;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ns / 1000000000;
	until.tv_nsec += timeout_ns % 1000000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	start();
	while ((index = find(newest)) < 0) {
		if (pthread_cond_timedwait(&card.frame, &card.lock, &until))
			return -1;
	}
	return index;
}

/* Frames between the cursor and this one that did come, but were overwritten. */
static uint64_t count_missed(uint64_t sequence)
{
	uint64_t lose = number("FAKE_LOSE", 0), missed = 0;

	for (uint64_t i = card.cursor; i < sequence; i++)
		missed += !(lose && i % lose == lose - 1);
	return missed;
}

static bool gone(void)
{
	return card.stats.reader_delivered >= number("FAKE_GONE", UINT64_MAX);
}

static int take(struct grabber_take *take)
{
	bool newest = take->flags & GRABBER_TAKE_NEWEST;
	struct slot *slot;
	int index;

	if (gone())
		return ENODEV;
	if (card.stats.held >= card.layout.hold_max)
		return EBUSY;
	index = wait_frame(take->timeout_ns, newest);
	if (index < 0)
		return ETIMEDOUT;

	slot = &card.slots[index];
	slot->held = true;
	card.stats.held++;
	take->slot = index;
	take->sequence = slot->sequence;
	take->timestamp_ns = slot->timestamp;
	take->missed = count_missed(slot->sequence);
	take->offset = index * card.layout.stride;
	take->bytes = slot->bytes;
	take->frame_flags = slot->flags;
	card.stats.reader_missed += take->missed;
	card.stats.reader_delivered++;
	card.cursor = slot->sequence + 1;
	return 0;
}

static int give(const struct grabber_give *give)
{
	if (give->slot >= card.layout.slots || !card.slots[give->slot].held)
		return EINVAL;
	/* Whoever still looks at a slot that was given back shall be seen. */
	memset(card.memory + give->slot * card.layout.stride, 0xdb, card.format.sizeimage);
	card.slots[give->slot].held = false;
	card.slots[give->slot].ready = false;
	card.stats.held--;
	return 0;
}

/* Is what @why says in the way of changes? Shown by the ioctls, too. */
static bool busy(const char *why)
{
	const char *now = getenv("FAKE_BUSY");

	return now && (!why || !strcmp(now, why));
}

static void info(struct grabber_info *to)
{
	struct stat st;

	*to = (struct grabber_info){
		.abi_version = number("FAKE_ABI", GRABBER_ABI_VERSION),
		.driver = "0.1.0",
		.board = "fake \"card\"",
		.bus = "0000:01:00.0",
		.bar_index = 2,
		.flags = card.running || busy("running") ? GRABBER_INFO_STREAMING : 0,
	};
	if (card.bar_fd >= 0 && !fstat(card.bar_fd, &st))
		to->bar_size = st.st_size;
}

/* The DMA engine in BAR 0, the window in BAR 2, and a small one in BAR 4. */
static int enum_bar(struct grabber_bar *bar)
{
	static const struct grabber_bar bars[] = {
		{ .bar = 0, .size = 65536, .flags = GRABBER_BAR_64BIT },
		{ .bar = 2, .size = 4096, .mmap_size = 4096,
		  .flags = GRABBER_BAR_REACHABLE | GRABBER_BAR_DEFAULT },
		{ .bar = 4, .size = 128,
		  .flags = GRABBER_BAR_REACHABLE | GRABBER_BAR_64BIT | GRABBER_BAR_PREFETCHABLE },
	};

	for (size_t i = 0; i < sizeof(bars) / sizeof(bars[0]); i++) {
		if (bars[i].bar < bar->bar)
			continue;
		*bar = bars[i];
		return 0;
	}
	return EINVAL;
}

static int set_bar(struct grabber_bar *bar)
{
	uint32_t wanted = bar->bar;

	if (enum_bar(bar) || bar->bar != wanted)
		return EINVAL;
	return bar->flags & GRABBER_BAR_REACHABLE ? 0 : EACCES;
}

/* A line that is let through comes at once. */
static uint32_t unmasked;

static int get_irqs(struct grabber_irqs *irqs)
{
	uint32_t came = irqs->lines & unmasked;

	if (irqs->lines > 0xff)
		return EINVAL;
	*irqs = (struct grabber_irqs) { .lines = came };
	for (int line = 0; line < GRABBER_IRQ_LINES; line++)
		irqs->count[line] = came >> line & 1;
	return 0;
}

/* Each further choice has two more pixels a line than the one before. */
static int enum_format(struct grabber_format_choice *choice)
{
	static const struct grabber_format none;

	if (choice->flags || memcmp(&choice->format, &none, sizeof(none)) ||
	    choice->index >= number("FAKE_CHOICES", 1))
		return EINVAL;
	choice->format = card.format;
	choice->format.width += choice->index * 2;
	choice->format.bytesperline += choice->index * 8;
	choice->format.sizeimage = choice->format.bytesperline * choice->format.height;
	choice->flags = getenv("FAKE_FREE") ? GRABBER_FORMAT_FREE : 0;
	return 0;
}

static int set_format(struct grabber_format *format)
{
	struct grabber_format_choice choice = { 0 };
	bool offered = false;

	while (!enum_format(&choice)) {
		offered |= !memcmp(format, &choice.format, sizeof(*format));
		choice = (struct grabber_format_choice){ .index = choice.index + 1 };
	}
	if (busy("running"))
		return EBUSY;
	if (!offered && (!getenv("FAKE_FREE") || format->sizeimage > card.layout.slot_size ||
			 format->sizeimage < (uint64_t)format->bytesperline * format->height))
		return EINVAL;
	/* It has lines of whole 16 bytes, and says what it made of others. */
	if (!offered && format->bytesperline % 16)
		format->bytesperline += 16 - format->bytesperline % 16;
	if (format->sizeimage < format->bytesperline * format->height)
		format->sizeimage = format->bytesperline * format->height;
	card.format = *format;
	return 0;
}

static int set_buffer(struct grabber_buffer *buffer)
{
	struct grabber_buffer asked = { .slots = buffer->slots, .slot_size = buffer->slot_size };

	if (memcmp(&asked, buffer, sizeof(asked)))
		return EINVAL;
	asked.slots = asked.slots ? asked.slots : card.layout.slots;
	asked.slot_size = asked.slot_size ? asked.slot_size : card.format.sizeimage;
	if (asked.slots < 2 || asked.slots > 1024 || asked.slot_size > 64 << 20 ||
	    (asked.slot_size < card.format.sizeimage && !getenv("FAKE_CUTS")))
		return EINVAL;
	if (busy(NULL))
		return EBUSY;
	asked.stride = (asked.slot_size + PAGE - 1) / PAGE * PAGE;
	asked.mmap_size = asked.stride * asked.slots;
	asked.hold_total = asked.slots - (asked.slots > 3 ? 3 : 2);
	asked.hold_max = asked.hold_total - (asked.hold_total > 1);
	if (asked.mmap_size > number("FAKE_MEMORY", UINT64_MAX))
		return ENOMEM;
	if (asked.mmap_size > number("FAKE_LIMIT", UINT64_MAX))
		return EPERM;
	*buffer = asked;
	return 0;
}

static int change(unsigned long request, void *arg)
{
	if (getenv("FAKE_OLD"))
		return ENOTTY;
	switch (request) {
	case GRABBER_IOC_ENUM_FORMAT:
		return enum_format(arg);
	case GRABBER_IOC_SET_FORMAT:
		return set_format(arg);
	default:
		return set_buffer(arg);
	}
}

static int open_frames(void)
{
	const char *fourcc = getenv("FAKE_FOURCC");
	struct grabber_format *format = &card.format;
	unsigned int pixel;

	if (!fourcc)
		fourcc = "RGB3";
	pixel = !strcmp(fourcc, "RGB3") || !strcmp(fourcc, "BGR3") ? 3 : 1;
	format->width = number("FAKE_WIDTH", 16);
	format->height = number("FAKE_HEIGHT", 12);
	format->pixelformat = v4l2_fourcc(fourcc[0], fourcc[1], fourcc[2], fourcc[3]);
	format->bytesperline = format->width * pixel + number("FAKE_PAD", 0);
	format->sizeimage = format->bytesperline * format->height;
	card.layout.slots = number("FAKE_SLOTS", 8);
	card.layout.slot_size = number("FAKE_SLOT_SIZE", format->sizeimage);
	card.layout.stride = (card.layout.slot_size + PAGE - 1) / PAGE * PAGE;
	card.layout.mmap_size = card.layout.stride * card.layout.slots;
	card.layout.hold_max = number("FAKE_HOLD", card.layout.slots - 2);
	card.layout.hold_total = card.layout.hold_max;
	card.stats.readers = 1;
	card.stats.begun = getenv("FAKE_UNFIT") != NULL;
	card.stats.held = busy("held") ? 3 : 0;

	card.fd = memfd_create("grabber", 0);
	if (card.fd < 0 || ftruncate(card.fd, card.layout.mmap_size))
		abort();
	card.memory = mmap(NULL, card.layout.mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   card.fd, 0);
	if (card.memory == MAP_FAILED)
		abort();
	return card.fd;
}

int __wrap_open(const char *path, int flags, ...)
{
	char prefix[PATH_MAX];
	mode_t mode;
	va_list args;
	int fd;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);

	fd = __real_open(path, flags, mode);
	snprintf(prefix, sizeof(prefix), "%s/grabber", fake_dev_dir());
	if (fd < 0 || strncmp(path, prefix, strlen(prefix)) || getenv("FAKE_FOREIGN"))
		return fd;
	if (strstr(path, "-bar")) {
		card.bar_fd = fd;
		return fd;
	}
	close(fd);
	return open_frames();
}

int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode;
	va_list args;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return __wrap_open(path, flags, mode);
}

static int answer(unsigned long request, void *arg)
{
	switch (request) {
	case GRABBER_IOC_INFO:
		info(arg);
		return 0;
	case GRABBER_IOC_ENUM_BAR:
		return enum_bar(arg);
	case GRABBER_IOC_SET_BAR:
		return set_bar(arg);
	case GRABBER_IOC_GET_IRQS:
		return get_irqs(arg);
	case GRABBER_IOC_UNMASK_IRQ:
		unmasked |= *(__u32 *)arg;
		return 0;
	case GRABBER_IOC_GET_FORMAT:
		memcpy(arg, &card.format, sizeof(card.format));
		return 0;
	case GRABBER_IOC_GET_BUFFER:
		memcpy(arg, &card.layout, sizeof(card.layout));
		return 0;
	case GRABBER_IOC_GET_STATS:
		memcpy(arg, &card.stats, sizeof(card.stats));
		return 0;
	case GRABBER_IOC_ENUM_FORMAT:
	case GRABBER_IOC_SET_FORMAT:
	case GRABBER_IOC_SET_BUFFER:
		return change(request, arg);
	case GRABBER_IOC_TAKE:
		return take(arg);
	case GRABBER_IOC_GIVE:
		return give(arg);
	default:
		return ENOTTY;
	}
}

static void __attribute__((destructor)) report(void)
{
	const char *name = getenv("FAKE_REPORT");
	FILE *file = name ? fopen(name, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "held %u\n", card.stats.held);
	fclose(file);
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	int error;

	if (fd < 0 || (fd != card.fd && fd != card.bar_fd))
		return __real_ioctl(fd, request, arg);
	pthread_mutex_lock(&card.lock);
	error = answer(request, arg);
	pthread_mutex_unlock(&card.lock);
	if (!error)
		return 0;
	errno = error;
	return -1;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	bool ready;

	/* grabberctl polls one frame node and nothing else. */
	if (count != 1 || fds[0].fd != card.fd)
		abort();
	pthread_mutex_lock(&card.lock);
	ready = wait_frame(timeout_ms * 1000000LL, false) >= 0;
	fds[0].revents = gone() ? POLLHUP | POLLERR : ready ? POLLIN : 0;
	pthread_mutex_unlock(&card.lock);
	return fds[0].revents != 0;
}

ssize_t __wrap_read(int fd, void *buffer, size_t bytes)
{
	struct slot *slot;
	int index;

	if (fd != card.fd)
		return __real_read(fd, buffer, bytes);
	pthread_mutex_lock(&card.lock);
	index = wait_frame(1000000000, false);
	if (index < 0)
		abort();
	slot = &card.slots[index];
	if (bytes > slot->bytes)
		bytes = slot->bytes;
	memcpy(buffer, card.memory + index * card.layout.stride, bytes);
	card.stats.reader_missed += count_missed(slot->sequence);
	card.stats.reader_delivered++;
	card.cursor = slot->sequence + 1;
	pthread_mutex_unlock(&card.lock);
	return bytes;
}
