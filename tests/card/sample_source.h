/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User logic that feeds a channel with samples and has no registers: a plain
 * AXI4-Stream, as most designs have. Byte p of the stream is byte p % 4 of the
 * little-endian word p / 4, so every byte says where it belongs. It goes on where it
 * was when the stream is held back, or the engine stops.
 */
#ifndef CARD_SAMPLE_SOURCE_H
#define CARD_SAMPLE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_CHUNK	65536

struct sample_source {
	uint32_t shortest, longest;	/* bytes of a packet, 0: tlast never comes */
	uint64_t rate;			/* bytes a second, 0: as fast as taken */

	uint64_t position;		/* of the next byte */
	uint64_t packets;		/* that have ended */
	uint64_t left;			/* of the packet under way */
	int64_t paid;			/* ns of CLOCK_MONOTONIC until which bytes were given */
	uint8_t chunk[SAMPLE_CHUNK];
	uint64_t chunk_at;		/* position of its first byte */
	bool drawn;
};

/* Bytes of packet n: anybody can tell them without asking the card */
static inline uint32_t sample_packet_bytes(uint32_t shortest, uint32_t longest, uint64_t n)
{
	uint64_t x = (n + 1) * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 31) * 0xbf58476d1ce4e5b9ull;
	x ^= x >> 29;
	return shortest + x % ((uint64_t)longest - shortest + 1);
}

void sample_source_power_on(struct sample_source *s);
/* As video_source.h has them */
size_t sample_source_offer(struct sample_source *s, const uint8_t **data, int64_t now);
bool sample_source_take(struct sample_source *s, size_t bytes);
/* When there are bytes again, for one that has a rate; INT64_MAX: it is not waited for */
int64_t sample_source_next(const struct sample_source *s);

#endif
