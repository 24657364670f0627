// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for the XDMA core in user space, on board "generic": descriptors and
 * registers are written here, through the two nodes; grabber lends the slots and
 * takes the interrupts.
 *
 * The register window must be the core's BAR (grabber loaded with bar=1); the
 * video source in BAR 0 is reached by the kernel's own sysfs file for it. Slots
 * must have a page more than a frame, for the descriptor.
 *
 * xdma_from_user_space [CARD [FRAMES]]
 */
#include <sys/stat.h>

#include "card.h"
#include "../card/chart.h"
#include "video_source.h"
#include "../card/xdma_regs.h"

#define C2H		0x1000
#define IRQ		0x2000
#define C2H_SGDMA	0x5000

struct engine {
	int bar, frames;
	volatile uint32_t *source;
	uint8_t *map;
	struct grabber_buffer buffer;
	uint32_t sizeimage;
	struct chart chart;
};

static void map_source(struct engine *engine)
{
	struct grabber_info info = get_info(engine->bar);
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", info.bus);
	fd = open(path, O_RDWR);
	CHECK_MSG(fd >= 0, "cannot open %s: %s", path, strerror(errno));
	engine->source = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK_MSG(engine->source != MAP_FAILED, "cannot map %s: %s", path, strerror(errno));
	close(fd);
	CHECK(engine->source[VS_ID / 4] == VS_ID_MAGIC);
}

static uint8_t *slot_at(const struct engine *engine, uint32_t slot)
{
	return engine->map + slot * engine->buffer.stride;
}

static struct grabber_slot_address ask(const struct engine *engine, uint32_t slot, uint32_t flags)
{
	struct grabber_slot_address address = { .slot = slot, .flags = flags };

	CHECK(ioctl(engine->bar, GRABBER_IOC_SLOT_ADDRESS, &address) == 0);
	CHECK_MSG(address.size >= engine->buffer.slot_size, "slot %u: only %llu bytes in a row",
		  address.slot, (unsigned long long)address.size);
	CHECK(address.address && address.slot < engine->buffer.slots && address.flags == flags);
	return address;
}

static uint64_t slot_address(const struct engine *engine, uint32_t slot)
{
	struct grabber_slot_address address = ask(engine, slot, 0);

	CHECK(address.slot == slot);
	return address.address;
}

/* The slot that the next interrupt completes. */
static uint32_t next_slot(const struct engine *engine)
{
	return ask(engine, 0, GRABBER_ADDRESS_QUEUED).slot;
}

static struct engine open_engine(void)
{
	struct engine engine = { .bar = open_bar(O_RDWR), .frames = open_frames(O_RDWR) };

	engine.map = map_frames(engine.frames, PROT_READ | PROT_WRITE);
	engine.buffer = get_buffer(engine.frames);
	map_source(&engine);
	CHECK(bar_read32(engine.bar, C2H) == (XDMA_ID(XDMA_BLOCK_C2H) | XDMA_ID_STREAM |
					      XDMA_ID_VERSION));
	engine.sizeimage = engine.source[VS_SIZEIMAGE / 4];
	CHECK_MSG(engine.buffer.slot_size >= engine.sizeimage + PAGE,
		  "slots of %u bytes have no page beside a frame of %u: load with slot_size=",
		  engine.buffer.slot_size, engine.sizeimage);
	CHECK(chart_init(&engine.chart, engine.source[VS_WIDTH / 4],
			 engine.source[VS_HEIGHT / 4]));
	bar_write32(engine.bar, IRQ + XDMA_CHANNEL_VECTOR, 0);
	bar_write32(engine.bar, IRQ + XDMA_CHANNEL_INT_ENABLE_W1S, 0xff);
	bar_write32(engine.bar, C2H + XDMA_INT_ENABLE, XDMA_STATUS_COMPLETED);
	return engine;
}

/* One packet goes to this slot: a descriptor in its last page says so. */
static void start_slot(const struct engine *engine, uint32_t slot)
{
	uint64_t address = slot_address(engine, slot);
	uint64_t spare = engine->buffer.slot_size / PAGE * PAGE - PAGE;
	struct xdma_descriptor *desc = (void *)(slot_at(engine, slot) + spare);
	struct xdma_writeback *back = (void *)(desc + 1);

	memset(slot_at(engine, slot), 0, engine->sizeimage);
	memset(back, 0, sizeof(*back));
	*desc = (struct xdma_descriptor){
		.control = (uint32_t)XDMA_DESC_MAGIC << 16 | XDMA_DESC_COMPLETED | XDMA_DESC_STOP,
		.length = (engine->sizeimage + XDMA_STREAM_GRANULE - 1) / XDMA_STREAM_GRANULE *
			  XDMA_STREAM_GRANULE,
		.src = address + spare + sizeof(*desc),
		.dst = address,
	};
	__sync_synchronize();
	bar_write32(engine->bar, C2H_SGDMA + XDMA_DESC_LO, address + spare);
	bar_write32(engine->bar, C2H_SGDMA + XDMA_DESC_HI, (address + spare) >> 32);
	bar_write32(engine->bar, C2H_SGDMA + XDMA_DESC_ADJ, 0);
	bar_write32(engine->bar, C2H + XDMA_CONTROL, XDMA_CONTROL_RUN | XDMA_STATUS_COMPLETED);
}

static void quiet(const struct engine *engine)
{
	bar_write32(engine->bar, C2H + XDMA_CONTROL, 0);
	bar_read32(engine->bar, C2H + XDMA_STATUS_RC);
	CHECK(unmask_irqs(engine->bar, 1) == 0);
}

static uint32_t check_slot(struct engine *engine, uint32_t slot)
{
	const uint8_t *frame = slot_at(engine, slot);
	uint64_t spare = engine->buffer.slot_size / PAGE * PAGE - PAGE;
	struct xdma_writeback *back = (void *)(frame + spare + sizeof(struct xdma_descriptor));
	uint32_t number = chart_stamp(frame);

	EXPECT_MSG(back->status == (XDMA_WRITEBACK_MAGIC | XDMA_WRITEBACK_EOP) &&
		   back->length == engine->sizeimage,
		   "the core wrote back status %#x, length %u", back->status, back->length);
	EXPECT_MSG(!memcmp(frame, chart_render(&engine->chart, number), engine->chart.bytes),
		   "frame %u is not as it was drawn", number);
	return number;
}

static void start(const struct engine *engine)
{
	CHECK(ioctl(engine->frames, GRABBER_IOC_START) == 0);
	engine->source[VS_RATE / 4] = 0;
	engine->source[VS_CONTROL / 4] = VS_CONTROL_RUN;
}

static void stop(const struct engine *engine)
{
	engine->source[VS_CONTROL / 4] = 0;
	CHECK(ioctl(engine->frames, GRABBER_IOC_STOP) == 0);
}

/* One frame into the slot whose turn it is; the slot is held afterwards. */
static uint32_t capture_one(struct engine *engine, uint32_t *number)
{
	uint32_t slot = next_slot(engine);
	struct grabber_take take;

	start_slot(engine, slot);
	take = must_take(engine->frames);
	CHECK_MSG(take.slot == slot, "the interrupt completed slot %u, not %u", take.slot, slot);
	EXPECT(take.bytes == engine->buffer.slot_size);
	quiet(engine);
	*number = check_slot(engine, slot);
	return slot;
}

static void capture(struct engine *engine, unsigned int frames)
{
	uint32_t last = 0, number;

	start(engine);
	for (unsigned int i = 0; i < frames; i++) {
		must_give(engine->frames, capture_one(engine, &number));
		EXPECT_MSG(!i || number > last, "frame %u after %u", number, last);
		last = number;
	}
	stop(engine);
}

static unsigned int frames_wanted(void)
{
	return tap_argc > 2 ? atoi(tap_argv[2]) : 20;
}

TEST_LIMIT(frames_by_user_space_descriptors, 120)
{
	struct engine engine = open_engine();
	struct grabber_stats stats;

	CHECK(!strcmp(get_info(engine.bar).board, "generic"));
	capture(&engine, frames_wanted());
	stats = get_stats(engine.frames);
	print_stats("after the capture", &stats);
	EXPECT(stats.delivered == frames_wanted() && stats.begun == stats.delivered);
	/* once more, wherever the queue begins now */
	capture(&engine, 5);
	EXPECT(get_stats(engine.frames).delivered == frames_wanted() + 5);
}

/* A frame that is held is never in the card's way, and stays as it is. */
TEST_LIMIT(held_slot_is_passed_over, 120)
{
	struct engine engine = open_engine();
	uint32_t held, number, held_number;

	start(&engine);
	held = capture_one(&engine, &held_number);
	for (uint32_t i = 0; i < 3 * engine.buffer.slots; i++) {
		uint32_t slot = capture_one(&engine, &number);

		CHECK_MSG(slot != held, "slot %u was to be filled while it was held", slot);
		must_give(engine.frames, slot);
	}
	EXPECT(check_slot(&engine, held) == held_number);
	must_give(engine.frames, held);
	stop(&engine);
}

/* The queue is empty until capture starts, and as long as it is said to be. */
TEST(queue_places)
{
	struct engine engine = open_engine();
	struct grabber_slot_address address = { .flags = GRABBER_ADDRESS_QUEUED };

	EXPECT_ERRNO(ioctl(engine.bar, GRABBER_IOC_SLOT_ADDRESS, &address), EAGAIN);
	CHECK(ioctl(engine.frames, GRABBER_IOC_START) == 0);
	EXPECT(next_slot(&engine) != ask(&engine, 1, GRABBER_ADDRESS_QUEUED).slot);
	address.slot = engine.buffer.slots - 1;
	EXPECT_ERRNO(ioctl(engine.bar, GRABBER_IOC_SLOT_ADDRESS, &address), EAGAIN);
	CHECK(ioctl(engine.frames, GRABBER_IOC_STOP) == 0);
}

TEST(slot_address_refuses)
{
	struct engine engine = open_engine();
	const uint32_t bad_slots[] = { engine.buffer.slots, 1 << 20, 0x80000000, ~0U };
	struct grabber_slot_address address;

	for (int bit = 1; bit < 32; bit++) {
		address = (struct grabber_slot_address){ .flags = 1U << bit };
		EXPECT_ERRNO(ioctl(engine.bar, GRABBER_IOC_SLOT_ADDRESS, &address), EINVAL);
		address.flags |= GRABBER_ADDRESS_QUEUED;
		EXPECT_ERRNO(ioctl(engine.bar, GRABBER_IOC_SLOT_ADDRESS, &address), EINVAL);
	}
	for (int i = 0; i < 4; i++) {
		address = (struct grabber_slot_address){ .slot = bad_slots[i] };
		EXPECT_ERRNO(ioctl(engine.bar, GRABBER_IOC_SLOT_ADDRESS, &address), EINVAL);
		address.flags = GRABBER_ADDRESS_QUEUED;
		EXPECT_ERRNO(ioctl(engine.bar, GRABBER_IOC_SLOT_ADDRESS, &address), EINVAL);
	}
	EXPECT_ERRNO(ioctl(engine.bar, GRABBER_IOC_SLOT_ADDRESS, NULL), EFAULT);
	EXPECT_ERRNO(ioctl(engine.bar, GRABBER_IOC_SLOT_ADDRESS, (void *)0xffff888000000000),
		     EFAULT);
	EXPECT_ERRNO(ioctl(engine.frames, GRABBER_IOC_SLOT_ADDRESS, &address), ENOTTY);
}

/* Who may only read registers sets nothing on its way, either. */
TEST(unmask_needs_a_file_for_writing)
{
	struct engine engine = open_engine();
	__u32 line = 1;

	EXPECT_ERRNO(ioctl(open_bar(O_RDONLY), GRABBER_IOC_UNMASK_IRQ, &line), EACCES);
	EXPECT(ioctl(engine.bar, GRABBER_IOC_UNMASK_IRQ, &line) == 0);
}

/* The pages that a program maps are those that the card writes: nothing is copied. */
TEST(no_copy)
{
	struct engine engine = open_engine();

	if (access("/sys/class/iommu/dmar0", F_OK) == 0)
		tap_skip("behind an IOMMU, bus addresses are not the memory's");
	for (uint32_t slot = 0; slot < engine.buffer.slots; slot++)
		EXPECT(physical_address(slot_at(&engine, slot)) == slot_address(&engine, slot));
}

/* Nothing is a frame but an interrupt. */
TEST(no_frame_without_an_interrupt)
{
	struct engine engine = open_engine();
	struct grabber_take take;

	CHECK(ioctl(engine.frames, GRABBER_IOC_START) == 0);
	EXPECT(take_frame(engine.frames, &take, 2 * NS_PER_S) == ETIMEDOUT);
}

/* Once capture is off, the card can write nowhere, whatever was programmed. */
TEST(no_dma_after_stop)
{
	struct engine engine = open_engine();
	uint64_t sum;

	CHECK(ioctl(engine.frames, GRABBER_IOC_START) == 0);
	CHECK(ioctl(engine.frames, GRABBER_IOC_STOP) == 0);
	memset(slot_at(&engine, 0), 0x5a, engine.sizeimage);
	engine.source[VS_CONTROL / 4] = VS_CONTROL_RUN;
	start_slot(&engine, 0);
	sum = checksum(engine.map, engine.buffer.status_offset);
	sleep_ms(1500);
	EXPECT_MSG(checksum(engine.map, engine.buffer.status_offset) == sum,
		   "the card wrote to its slots while capture was off");
	engine.source[VS_CONTROL / 4] = 0;
	quiet(&engine);
}

/* What the card was told of the old buffer, it does not know any more with a new one. */
TEST(old_addresses_are_forgotten)
{
	struct engine engine = open_engine();
	struct grabber_buffer args = { .slots = engine.buffer.slots };

	CHECK(ioctl(engine.frames, GRABBER_IOC_START) == 0);
	start_slot(&engine, next_slot(&engine));
	CHECK(ioctl(engine.frames, GRABBER_IOC_STOP) == 0);
	CHECK(munmap(engine.map, engine.buffer.status_offset) == 0);
	CHECK(ioctl(engine.frames, GRABBER_IOC_SET_BUFFER, &args) == 0);
	CHECK(ioctl(engine.frames, GRABBER_IOC_START) == 0);
	engine.source[VS_RATE / 4] = 0;
	engine.source[VS_CONTROL / 4] = VS_CONTROL_RUN;
	sleep_ms(500);
	EXPECT_MSG(!(bar_read32(engine.bar, C2H + XDMA_STATUS) & XDMA_STATUS_BUSY) &&
		   !bar_read32(engine.bar, C2H + XDMA_COMPLETED),
		   "the card wrote to memory that is not its own any more");
	stop(&engine);
}
