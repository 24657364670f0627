/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user logic beside the core: driver/boards/video_source.h has its
 * registers. It begins a frame at each tick, keeps it in a FIFO of whole
 * frames, and gives it to the stream as one packet. video_source.c is a model of it
 * in C; video_source_gateware.cpp has the gateware itself in its place.
 */
#ifndef CARD_VIDEO_SOURCE_H
#define CARD_VIDEO_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../driver/boards/video_source.h"
#include "faults.h"
#include "picture.h"

#define VIDEO_SOURCE_FIFO_MAX	64
#define VIDEO_SOURCE_NEVER	INT64_MAX
#define PIXELFORMAT_RGB24	0x33424752u	/* V4L2_PIX_FMT_RGB24, "RGB3" */

enum vs_counter { VS_COUNT_BEGUN, VS_COUNT_SENT, VS_COUNT_OVERRUN, VS_COUNT_ABORTED, VS_COUNTERS };

struct vs_packet {
	bool active;
	bool aborted;		/* counted already; only its end has still to pass */
	uint64_t sequence;
	uint64_t bytes;
	uint64_t offset;	/* bytes that the stream has taken */
	const uint8_t *image;	/* drawn when the first byte is asked for */
};

struct video_source {
	struct picture *picture;
	struct channel_faults *faults;
	uint64_t serial;
	unsigned int fifo_size;
	bool keep_packets;	/* the rest of a packet waits for the engine to run again */

	bool run;
	bool engine_runs;
	uint32_t rate;			/* frames in 1000 s */
	uint32_t power_on_rate;
	int64_t next_tick;		/* ns of CLOCK_MONOTONIC */
	uint64_t counters[VS_COUNTERS];	/* since power-on */
	uint64_t totals[VS_COUNTERS];	/* since the program's start */
	uint64_t fifo[VIDEO_SOURCE_FIFO_MAX];
	unsigned int fifo_count;
	struct vs_packet packet;
	uint64_t packets;		/* since the last write of VS_CONTROL_RUN */
	struct { uint64_t sequence; uint32_t bytes; } log[VS_LOG_ENTRIES];
	uint32_t latch[VS_COUNTERS];
};

/* Which of the two this is */
extern const bool video_source_is_gateware;

void video_source_power_on(struct video_source *s);
/* A reset of the function: stops; the counters count on */
void video_source_reset(struct video_source *s);

uint32_t video_source_read(struct video_source *s, uint32_t offset);
void video_source_write(struct video_source *s, uint32_t offset, uint32_t value, uint32_t mask,
			int64_t now);

/* When the next frame is due, or VIDEO_SOURCE_NEVER; then tick */
int64_t video_source_next_tick(const struct video_source *s);
void video_source_tick(struct video_source *s);
void video_source_set_rate(struct video_source *s, uint32_t rate, int64_t now);
void video_source_skip(struct video_source *s, uint32_t frames);
/* What user logic does whose reset is not the stream's */
void video_source_count_anew(struct video_source *s);
bool video_source_fifo_full(const struct video_source *s);

/* The stream: bytes on offer (0: none now), take some; true where that was the packet's end */
size_t video_source_offer(struct video_source *s, const uint8_t **data);
bool video_source_take(struct video_source *s, size_t bytes);
/* The engine starts, or has come to a halt with its Run bit off */
void video_source_engine_runs(struct video_source *s, bool runs);

/* The four counters since the program's start */
const uint64_t *video_source_totals(struct video_source *s);
/* Frames begun whose fate is not settled yet */
unsigned int video_source_in_flight(const struct video_source *s);

#endif
