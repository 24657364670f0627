// SPDX-License-Identifier: GPL-2.0-only
#include "memory_bar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "log.h"

static uint64_t parse(const char *text)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;
	uint64_t size = strtoull(text, &end, 0);

	unit = *end ? strchr(units, *end) : NULL;
	if (unit && !end[1] && size <= MEMORY_BAR_MAX)
		return size << 10 * (unit - units + 1);
	return *end ? 0 : size;
}

bool memory_bar_init(struct memory_bar *m, const char *text)
{
	uint64_t size = parse(text);
	void *bytes;

	if (size < 4096 || size > MEMORY_BAR_MAX || size & (size - 1)) {
		note("\"%s\" is no size for a BAR: a power of two from 4K to 1024G", text);
		return false;
	}
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED) {
		note("no addresses for a BAR of %s: %s", text, strerror(errno));
		return false;
	}
	*m = (struct memory_bar) { .size = size, .bytes = bytes };
	return true;
}
