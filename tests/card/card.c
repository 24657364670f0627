// SPDX-License-Identifier: GPL-2.0-only
#include "card.h"

#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

static uint64_t region_size(void *device, uint32_t region)
{
	const struct card *c = device;

	switch (region) {
	case VFIO_PCI_BAR2_REGION_INDEX:
		return c->memory_bar.size;
	case VFIO_PCI_BAR0_REGION_INDEX:
	case VFIO_PCI_BAR1_REGION_INDEX:
		return CARD_BAR_SIZE;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return PCI_CONFIG_SIZE;
	default:
		return 0;
	}
}

static void reset(struct card *c)
{
	pci_config_reset(&c->config);
	/* first the core: it lets go of the packet that the source then drops */
	xdma_core_reset(&c->core);
	for (unsigned int n = 0; n < c->channels; n++)
		video_source_reset(&c->streams[n].video);
	c->user_logic.level = 0;
	xdma_core_interrupts(&c->core);
	c->resets++;
}

static uint32_t register_read(struct card *c, uint32_t region, uint32_t offset)
{
	unsigned int channel = offset / FAULT_SPACING;
	struct stream *stream = &c->streams[channel % XDMA_CHANNELS_MAX];

	if (region == VFIO_PCI_BAR1_REGION_INDEX)
		return c->faults.no_core ? 0 : xdma_core_read(&c->core, offset);
	if (c->faults.no_source || channel >= c->channels)
		return 0;
	offset %= FAULT_SPACING;
	if (offset >= FAULT_BASE && offset < FAULT_END)
		return card_fault_read(c, channel, offset);
	if (offset >= USER_LOGIC_BASE && offset < USER_LOGIC_END)
		return user_logic_read(&c->user_logic, offset);
	if (!stream->is_video)
		return 0;
	if (offset && offset == stream->faults.ones_at) {
		stream->faults.ones_at = 0;
		return ~0u;
	}
	if (offset && offset == stream->faults.gone_at) {
		stream->faults.gone_at = 0;
		card_fault_write(c, channel, FAULT_GONE, FAULT_GONE_KEY);
		return ~0u;
	}
	return video_source_read(&stream->video, offset);
}

static void region_read(void *device, uint32_t region, uint64_t offset, void *data, uint32_t count)
{
	struct card *c = device;
	uint8_t *bytes = data;

	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		c->config_accesses++;
	else
		c->register_reads++;
	if (c->faults.gone || (region != VFIO_PCI_CONFIG_REGION_INDEX &&
			       !pci_config_decodes(&c->config))) {
		memset(data, 0xff, count);
		return;
	}
	if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
		pci_config_read(&c->config, offset, data, count);
		return;
	}
	if (region == VFIO_PCI_BAR2_REGION_INDEX) {
		memcpy(data, c->memory_bar.bytes + offset, count);
		return;
	}
	/* Each register is read once, however many of its bytes are asked for */
	while (count) {
		uint32_t value = register_read(c, region, offset & ~3ull);
		uint32_t first = offset & 3, n = 4 - first < count ? 4 - first : count;

		for (uint32_t i = 0; i < n; i++)
			bytes[i] = value >> 8 * (first + i);
		bytes += n;
		offset += n;
		count -= n;
	}
}

static void register_write(struct card *c, uint32_t region, uint32_t offset, uint32_t value,
			   uint32_t mask)
{
	unsigned int channel = offset / FAULT_SPACING;

	if (region == VFIO_PCI_BAR1_REGION_INDEX) {
		xdma_core_write(&c->core, offset, value, mask);
		return;
	}
	offset %= FAULT_SPACING;
	if (channel >= c->channels)
		return;
	if (offset >= FAULT_BASE && offset < FAULT_END)
		card_fault_write(c, channel, offset, value & mask);
	else if (offset >= USER_LOGIC_BASE && offset < USER_LOGIC_END)
		card_user_logic_write(c, offset, value & mask);
	else if (c->streams[channel].is_video)
		video_source_write(&c->streams[channel].video, offset, value, mask, card_now());
}

void card_user_logic_write(struct card *c, uint32_t offset, uint32_t value)
{
	user_logic_write(&c->user_logic, offset, value);
	xdma_core_interrupts(&c->core);
}

static void config_write(struct card *c, uint32_t offset, const void *data, uint32_t count)
{
	bool mastered = pci_config_masters(&c->config);

	c->config_accesses++;
	if (c->faults.gone)
		return;
	if (pci_config_write(&c->config, offset, data, count))
		reset(c);
	else if (!mastered && pci_config_masters(&c->config))
		xdma_engine_masters(&c->core);
	xdma_core_interrupts(&c->core);
}

static void region_write(void *device, uint32_t region, uint64_t offset, const void *data,
			 uint32_t count)
{
	struct card *c = device;
	const uint8_t *bytes = data;

	if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
		config_write(c, offset, data, count);
		return;
	}
	c->register_writes++;
	if (c->faults.gone || !pci_config_decodes(&c->config))
		return;
	if (region == VFIO_PCI_BAR2_REGION_INDEX) {
		memcpy(c->memory_bar.bytes + offset, data, count);
		return;
	}
	while (count) {
		uint32_t first = offset & 3, n = 4 - first < count ? 4 - first : count;
		uint32_t value = 0, mask = 0;

		for (uint32_t i = 0; i < n; i++) {
			value |= (uint32_t)bytes[i] << 8 * (first + i);
			mask |= 0xffu << 8 * (first + i);
		}
		register_write(c, region, offset & ~3ull, value, mask);
		bytes += n;
		offset += n;
		count -= n;
	}
}

static void device_reset(void *device)
{
	struct card *c = device;

	if (!c->faults.gone)
		reset(c);
}

/* The client's end is the end of power: what comes next is a card just plugged in */
static void disconnected(void *device)
{
	struct card *c = device;

	c->faults = (struct faults) { 0 };
	c->interrupts.swallow = 0;
	for (unsigned int n = 0; n < c->channels; n++)
		c->streams[n].faults = (struct channel_faults) { 0 };
	reset(c);
	for (unsigned int n = 0; n < c->channels; n++) {
		video_source_power_on(&c->streams[n].video);
		sample_source_power_on(&c->streams[n].samples);
	}
}

uint32_t card_fault_read(struct card *c, unsigned int channel, uint32_t offset)
{
	struct stream *stream = &c->streams[channel];

	switch (offset) {
	case FAULT_ID:
		return FAULT_ID_MAGIC;
	case FAULT_LOSE_INTERRUPTS:
		return c->interrupts.swallow;
	case FAULT_STUCK:
		return stream->faults.stuck;
	case FAULT_LENGTH_FRAMES:
		return stream->faults.length_frames;
	case FAULT_LENGTH_DELTA:
		return stream->faults.length_delta;
	case FAULT_ENGINE_ERROR:
		return stream->faults.engine_error;
	case FAULT_ONES_AT:
		return stream->faults.ones_at;
	case FAULT_GONE_AT:
		return stream->faults.gone_at;
	case FAULT_BEGUN:
		return video_source_totals(&stream->video)[VS_COUNT_BEGUN];
	case FAULT_WRITES_REFUSED:
		return c->memory.writes_refused;
	case FAULT_READS_REFUSED:
		return c->memory.reads_refused;
	case FAULT_INTERRUPTS:
		return c->interrupts.raised;
	case FAULT_RULE_BREAKS:
		return c->core.rule_breaks;
	default:
		return 0;
	}
}

void card_fault_write(struct card *c, unsigned int channel, uint32_t offset, uint32_t value)
{
	struct stream *stream = &c->streams[channel];

	switch (offset) {
	case FAULT_LOSE_INTERRUPTS:
		c->interrupts.swallow = value;
		break;
	case FAULT_STUCK:
		stream->faults.stuck = value <= FAULT_STUCK_EVER ? value : 0;
		break;
	case FAULT_LENGTH_FRAMES:
		stream->faults.length_frames = value;
		break;
	case FAULT_LENGTH_DELTA:
		stream->faults.length_delta = value;
		break;
	case FAULT_ENGINE_ERROR:
		stream->faults.engine_error = value;
		break;
	case FAULT_SKIP:
		video_source_skip(&stream->video, value);
		break;
	case FAULT_ONES_AT:
		stream->faults.ones_at = value;
		break;
	case FAULT_GONE_AT:
		stream->faults.gone_at = value;
		break;
	case FAULT_COUNT_ANEW:
		video_source_count_anew(&stream->video);
		break;
	case FAULT_GONE:
		/* A link that comes up again finds the function reset (PCIe 6.6.1). */
		if (c->faults.gone && value != FAULT_GONE_KEY)
			reset(c);
		c->faults.gone = value == FAULT_GONE_KEY;
		xdma_core_interrupts(&c->core);
		break;
	}
}

static int channel_stats(struct card *c, unsigned int channel, char *text, size_t size)
{
	const struct xdma_engine *e = &c->core.c2h[channel];
	struct stream *s = &c->streams[channel];
	const uint64_t *t = video_source_totals(&s->video);

	return snprintf(text, size,
			"\"begun\": %" PRIu64 ", \"sent\": %" PRIu64 ", \"overrun\": %" PRIu64
			", \"aborted\": %" PRIu64 ", \"in_flight\": %u, \"running\": %s"
			", \"engine_busy\": %s, \"credits\": %u, \"queued_descriptors\": %u"
			", \"position\": %" PRIu64 ", \"packets\": %" PRIu64,
			t[VS_COUNT_BEGUN], t[VS_COUNT_SENT], t[VS_COUNT_OVERRUN], t[VS_COUNT_ABORTED],
			video_source_in_flight(&s->video), s->video.run ? "true" : "false",
			e->active ? "true" : "false", e->credits, e->queued,
			s->samples.position, s->samples.packets);
}

void card_stats(struct card *c, char *text, size_t size)
{
	const struct picture *picture = &c->streams[0].picture;
	size_t at = 0;

	/* of the first channel at the top, of each in a list */
	at += snprintf(text, size, "{");
	at += channel_stats(c, 0, text + at, size - at);
	at += snprintf(text + at, size - at,
		 ", \"bytes_written\": %" PRIu64 ", \"dma_writes_refused\": %" PRIu64
		 ", \"dma_reads_refused\": %" PRIu64 ", \"descriptors\": %" PRIu64
		 ", \"writebacks\": %" PRIu64 ", \"h2c_bytes\": %" PRIu64 ", \"interrupts\": %" PRIu64
		 ", \"user_interrupts\": %" PRIu64 ", \"interrupts_lost\": %" PRIu64 ", \"rule_breaks\": %" PRIu64 ", \"stale_bytes\": %" PRIu64
		 ", \"config_accesses\": %" PRIu64 ", \"register_reads\": %" PRIu64
		 ", \"register_writes\": %" PRIu64 ", \"resets\": %" PRIu64
		 ", \"connections\": %" PRIu64 ", \"connected\": %s, \"memory_windows\": %zu"
		 ", \"messages\": %" PRIu64 ", \"message_errors\": %" PRIu64
		 ", \"gone\": %s, \"width\": %d, \"height\": %d, \"sizeimage\": %zu, \"channels\": [",
		 c->memory.bytes_written, c->memory.writes_refused,
		 c->memory.reads_refused, c->core.descriptors, c->core.writebacks,
		 c->core.bytes_taken,
		 c->interrupts.raised, c->core.user_messages, c->interrupts.swallowed, c->core.rule_breaks, c->core.stale_bytes,
		 c->config_accesses, c->register_reads, c->register_writes, c->resets,
		 c->client.connections, c->client.connection >= 0 ? "true" : "false",
		 c->memory.count, c->client.messages, c->client.errors,
		 c->faults.gone ? "true" : "false", picture->width, picture->height,
		 picture->bytes);
	for (unsigned int n = 0; n < c->channels; n++) {
		at += snprintf(text + at, size - at, "%s{", n ? ", " : "");
		at += channel_stats(c, n, text + at, size - at);
		at += snprintf(text + at, size - at, "}");
	}
	snprintf(text + at, size - at, "]}");
}

void card_init(struct card *c, const struct pci_ids *ids)
{
	pci_config_init(&c->config, ids, c->memory_bar.size);
	interrupts_init(&c->interrupts, ids->intx, ids->msi ? INTERRUPT_VECTORS : 0,
			ids->msix ? XDMA_MSIX_VECTORS : 0);
	c->memory.message = vfio_user_dma_message;
	c->memory.transport = &c->client;
	c->core.memory = &c->memory;
	c->core.interrupts = &c->interrupts;
	c->core.config = &c->config;
	c->core.faults = &c->faults;
	c->core.channels = c->channels;
	c->core.user_logic = &c->user_logic;
	for (unsigned int n = 0; n < c->channels; n++) {
		struct stream *stream = &c->streams[n];

		stream->video.picture = &stream->picture;
		stream->video.faults = &stream->faults;
		stream->video.serial = ids->serial;
		c->core.c2h[n].stream = stream;
		video_source_power_on(&stream->video);
		sample_source_power_on(&stream->samples);
	}
	xdma_core_reset(&c->core);
	c->client.dev = (struct vfio_user_device) {
		.memory = &c->memory,
		.interrupts = &c->interrupts,
		.region_size = region_size,
		.region_read = region_read,
		.region_write = region_write,
		.reset = device_reset,
		.disconnected = disconnected,
		.device = c,
	};
}
