// SPDX-License-Identifier: GPL-2.0-only
#include "video_source.h"

#include <string.h>

#define VERSION		(1u << 16 | 0)
#define NS_PER_S	1000000000LL
/* A packet that is cut off ends with one beat more: the end needs data to ride on */
#define CUT_OFF_BEAT	64
/* What a packet that is too long has after its frame */
#define FILLER_BYTES	4096

const bool video_source_is_gateware;

static const uint8_t filler[FILLER_BYTES] = { [0 ... FILLER_BYTES - 1] = 0xa5 };

static void count(struct video_source *s, enum vs_counter which, uint64_t n)
{
	s->counters[which] += n;
	s->totals[which] += n;
}

unsigned int video_source_in_flight(const struct video_source *s)
{
	return s->fifo_count + (s->packet.active && !s->packet.aborted ? 1 : 0);
}

bool video_source_fifo_full(const struct video_source *s)
{
	return s->fifo_count + (s->packet.active ? 1 : 0) >= s->fifo_size;
}

/* A frame that the stream has taken nothing of goes without a trace on the stream */
static void abort_queued(struct video_source *s)
{
	count(s, VS_COUNT_ABORTED, s->fifo_count);
	s->fifo_count = 0;
	if (s->packet.active && !s->packet.offset) {
		if (!s->packet.aborted)
			count(s, VS_COUNT_ABORTED, 1);
		s->packet.active = false;
	}
}

static void drop_packet(struct video_source *s)
{
	if (s->packet.active && !s->packet.aborted)
		count(s, VS_COUNT_ABORTED, 1);
	s->packet.active = false;
}

const uint64_t *video_source_totals(struct video_source *s)
{
	return s->totals;
}

void video_source_reset(struct video_source *s)
{
	abort_queued(s);
	drop_packet(s);
	memset(s->log, 0, sizeof(s->log));
	s->run = false;
	s->engine_runs = false;
	s->rate = s->power_on_rate;
	s->packets = 0;
}

void video_source_power_on(struct video_source *s)
{
	video_source_reset(s);
	memset(s->counters, 0, sizeof(s->counters));
}

static int64_t period(const struct video_source *s)
{
	return 1000 * NS_PER_S / s->rate;
}

int64_t video_source_next_tick(const struct video_source *s)
{
	return s->run && s->rate ? s->next_tick : VIDEO_SOURCE_NEVER;
}

static void begin(struct video_source *s)
{
	uint64_t sequence = s->counters[VS_COUNT_BEGUN];

	count(s, VS_COUNT_BEGUN, 1);
	if (video_source_fifo_full(s))
		count(s, VS_COUNT_OVERRUN, 1);
	else
		s->fifo[s->fifo_count++] = sequence;
}

void video_source_tick(struct video_source *s)
{
	s->next_tick += period(s);
	begin(s);
}

void video_source_set_rate(struct video_source *s, uint32_t rate, int64_t now)
{
	s->rate = rate;
	if (rate)
		s->next_tick = now + period(s);
}

void video_source_skip(struct video_source *s, uint32_t frames)
{
	count(s, VS_COUNT_BEGUN, frames);
	count(s, VS_COUNT_OVERRUN, frames);
}

void video_source_count_anew(struct video_source *s)
{
	memset(s->counters, 0, sizeof(s->counters));
}

static void start(struct video_source *s, int64_t now)
{
	s->packets = 0;
	if (s->run)
		return;
	s->run = true;
	s->next_tick = now;
}

static void stop(struct video_source *s)
{
	if (!s->run)
		return;
	s->run = false;
	abort_queued(s);
	if (s->packet.active && !s->packet.aborted) {
		uint64_t end = s->packet.offset + CUT_OFF_BEAT;

		if (!s->engine_runs) {
			drop_packet(s);
			return;
		}
		/* so near its end that the end is what comes next: it is whole */
		if (end >= s->packet.bytes)
			return;
		s->packet.bytes = end;
		s->packet.aborted = true;
		count(s, VS_COUNT_ABORTED, 1);
	}
}

static void next_packet(struct video_source *s)
{
	int64_t bytes = s->picture->bytes;

	if (!s->fifo_count && s->run && !s->rate)
		begin(s);
	if (!s->fifo_count)
		return;
	s->packet = (struct vs_packet) { .active = true, .sequence = s->fifo[0] };
	memmove(&s->fifo[0], &s->fifo[1], --s->fifo_count * sizeof(s->fifo[0]));
	if (s->faults->length_frames) {
		s->faults->length_frames--;
		bytes += s->faults->length_delta;
		if (bytes < 1)
			bytes = 1;
	}
	s->packet.bytes = bytes;
}

size_t video_source_offer(struct video_source *s, const uint8_t **data)
{
	struct vs_packet *p = &s->packet;
	uint64_t left;

	if (!p->active)
		next_packet(s);
	if (!p->active)
		return 0;
	if (!p->image)
		p->image = picture_frame(s->picture, p->sequence);
	left = p->bytes - p->offset;
	if (p->offset >= s->picture->bytes) {
		*data = filler;
		return left < sizeof(filler) ? left : sizeof(filler);
	}
	*data = p->image + p->offset;
	if (p->bytes > s->picture->bytes)
		left = s->picture->bytes - p->offset;
	return left;
}

bool video_source_take(struct video_source *s, size_t bytes)
{
	struct vs_packet *p = &s->packet;

	p->offset += bytes;
	if (p->offset < p->bytes)
		return false;
	s->log[s->packets % VS_LOG_ENTRIES].sequence = p->sequence;
	s->log[s->packets % VS_LOG_ENTRIES].bytes = p->bytes;
	s->packets++;
	if (!p->aborted)
		count(s, VS_COUNT_SENT, 1);
	p->active = false;
	return true;
}

/*
 * What is left of a packet must not come as the head of the next one, when the
 * engine runs again: the core's status port tells the user logic of Run and
 * Busy, and it drops the rest. Simpler user logic waits instead.
 */
void video_source_engine_runs(struct video_source *s, bool runs)
{
	s->engine_runs = runs;
	if (!runs && s->packet.active && s->packet.offset && (!s->keep_packets || !s->run))
		drop_packet(s);
}

static uint32_t read_log(const struct video_source *s, uint32_t offset)
{
	uint32_t entry = (offset - VS_LOG) / VS_LOG_ENTRY_SIZE;

	switch ((offset - VS_LOG) % VS_LOG_ENTRY_SIZE) {
	case VS_LOG_SEQUENCE:
		return s->log[entry].sequence;
	case VS_LOG_SEQUENCE + 4:
		return s->log[entry].sequence >> 32;
	case VS_LOG_BYTES:
		return s->log[entry].bytes;
	default:
		return 0;
	}
}

uint32_t video_source_read(struct video_source *s, uint32_t offset)
{
	if (offset >= VS_LOG && offset < VS_LOG + VS_LOG_ENTRIES * VS_LOG_ENTRY_SIZE)
		return read_log(s, offset);
	if (offset >= VS_BEGUN && offset < VS_BEGUN + VS_COUNTERS * 8) {
		uint32_t which = (offset - VS_BEGUN) / 8;

		if (offset & 4)
			return s->latch[which];
		s->latch[which] = s->counters[which] >> 32;
		return s->counters[which];
	}
	switch (offset) {
	case VS_ID:
		return VS_ID_MAGIC;
	case VS_VERSION:
		return VERSION;
	case VS_CONTROL:
		return s->run ? VS_CONTROL_RUN : 0;
	case VS_STATUS:
		return s->run || s->packet.active ? VS_STATUS_RUNNING : 0;
	case VS_WIDTH:
		return s->picture->width;
	case VS_HEIGHT:
		return s->picture->height;
	case VS_PIXELFORMAT:
		return PIXELFORMAT_RGB24;
	case VS_BYTESPERLINE:
		return s->picture->width * CHART_BYTES_PER_PIXEL;
	case VS_SIZEIMAGE:
		return s->picture->bytes;
	case VS_RATE:
		return s->rate;
	case VS_SERIAL:
		return s->serial;
	case VS_SERIAL + 4:
		return s->serial >> 32;
	default:
		return 0;
	}
}

void video_source_write(struct video_source *s, uint32_t offset, uint32_t value, uint32_t mask,
			int64_t now)
{
	switch (offset) {
	case VS_CONTROL:
		/* a write to other bytes of the register leaves RUN alone */
		if (!(mask & VS_CONTROL_RUN))
			return;
		if (value & VS_CONTROL_RUN)
			start(s, now);
		else
			stop(s);
		break;
	case VS_RATE:
		video_source_set_rate(s, (s->rate & ~mask) | (value & mask), now);
		break;
	}
}
