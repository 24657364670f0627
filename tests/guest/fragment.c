// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves the kernel no two free megabytes in a row: takes nearly all memory, gives
 * every other megabyte back, says READY, and keeps the rest until it is killed.
 */
#include "card.h"

#define PIECE (1UL << 20)
/* MiB that stay free at first, for the kernel and the other programs. */
#define LEAVE 48

static uint64_t free_pieces(void)
{
	FILE *info = fopen("/proc/meminfo", "r");
	unsigned long long kib = 0;
	char line[128];

	CHECK(info);
	while (fgets(line, sizeof(line), info))
		if (sscanf(line, "MemFree: %llu kB", &kib) == 1)
			break;
	fclose(info);
	return kib / 1024;
}

TEST_LIMIT(fragment, 600)
{
	uint64_t pieces = free_pieces();
	uint8_t *memory;

	CHECK_MSG(pieces > LEAVE + 32, "only %llu MiB are free", (unsigned long long)pieces);
	pieces -= LEAVE;
	memory = mmap(NULL, pieces * PIECE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	madvise(memory, pieces * PIECE, MADV_NOHUGEPAGE);
	/* Locked, so that no compaction moves what is in between. */
	for (uint64_t i = 0; i < pieces; i++)
		CHECK(mlock(memory + i * PIECE, PIECE) == 0);
	for (uint64_t i = 0; i < pieces; i += 2)
		CHECK(munmap(memory + i * PIECE, PIECE) == 0);
	tap_note("READY");
	pause();
}
