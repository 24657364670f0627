/* SPDX-License-Identifier: GPL-2.0-only */
/* The counting pattern of the virtual card's sample streams: byte p of the stream is byte
 * p % 4 of the little-endian word p / 4. It repeats after 16 GiB.
 */
#ifndef GUEST_SAMPLES_H
#define GUEST_SAMPLES_H

#include "card.h"

static inline uint8_t sample_byte(uint64_t position)
{
	return position / 4 >> position % 4 * 8;
}

static inline bool samples_are(const uint8_t *data, size_t bytes, uint64_t position)
{
	const uint32_t *words;
	size_t i = 0;

	for (; i < bytes && (position + i) % 4; i++)
		if (data[i] != sample_byte(position + i))
			return false;
	if ((uintptr_t)(data + i) % 4 == 0) {
		words = (const uint32_t *)(data + i);
		for (size_t n = (bytes - i) / 4, k = 0; k < n; k++, i += 4)
			if (words[k] != (uint32_t)((position + i) / 4))
				return false;
	}
	for (; i < bytes; i++)
		if (data[i] != sample_byte(position + i))
			return false;
	return true;
}

/* Where in the stream these bytes are, word by word from its begin. */
static inline uint64_t samples_position(const uint8_t *data)
{
	uint32_t word;

	memcpy(&word, data, sizeof(word));
	return (uint64_t)word * 4;
}

#endif /* GUEST_SAMPLES_H */
