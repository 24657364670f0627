// SPDX-License-Identifier: GPL-2.0-only
#include "sample_source.h"

#include <string.h>

#define NS_PER_S	1000000000LL
/* Bytes come in bursts of so many, and what was not taken within so long never came */
#define BURST		4096
#define BACKLOG_NS	(NS_PER_S / 10)

void sample_source_power_on(struct sample_source *s)
{
	s->position = 0;
	s->packets = 0;
	s->left = 0;
	s->drawn = false;
}

static void draw(struct sample_source *s)
{
	uint32_t *words = (uint32_t *)s->chunk;

	s->chunk_at = s->position & ~3ull;
	for (size_t i = 0; i < SAMPLE_CHUNK / 4; i++)
		words[i] = s->chunk_at / 4 + i;
	s->drawn = true;
}

static int64_t burst_ns(const struct sample_source *s)
{
	return BURST * NS_PER_S / s->rate;
}

int64_t sample_source_next(const struct sample_source *s)
{
	return s->rate ? s->paid + burst_ns(s) : INT64_MAX;
}

size_t sample_source_offer(struct sample_source *s, const uint8_t **data, int64_t now)
{
	uint64_t n;

	if (s->rate) {
		if (now - s->paid > BACKLOG_NS)
			s->paid = now - BACKLOG_NS;
		if (now < sample_source_next(s))
			return 0;
	}
	if (s->longest && !s->left)
		s->left = sample_packet_bytes(s->shortest, s->longest, s->packets);
	if (!s->drawn || s->position < s->chunk_at || s->position - s->chunk_at >= SAMPLE_CHUNK)
		draw(s);
	*data = s->chunk + (s->position - s->chunk_at);
	n = SAMPLE_CHUNK - (s->position - s->chunk_at);
	if (s->rate && n > BURST)
		n = BURST;
	return s->longest && n > s->left ? s->left : n;
}

bool sample_source_take(struct sample_source *s, size_t bytes)
{
	s->position += bytes;
	if (s->rate)
		s->paid += bytes * NS_PER_S / s->rate;
	if (!s->longest)
		return false;
	s->left -= bytes;
	if (s->left)
		return false;
	s->packets++;
	return true;
}
