/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest memory that the client lets this card reach, as a list of windows
 * from bus addresses to shared files. Nothing else can be read or written.
 */
#ifndef CARD_GUEST_MEMORY_H
#define CARD_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_MEMORY_WINDOWS	65535

struct guest_file;

struct guest_window {
	uint64_t address;
	uint64_t size;
	bool readable;
	bool writable;
	struct guest_file *file;	/* NULL: reached by messages only */
	uint8_t *data;			/* of the window's first byte */
};

struct guest_memory {
	struct guest_window *windows;	/* sorted by address, none overlap */
	size_t count;
	size_t room;
	size_t last;			/* the window of the last access */
	struct guest_file *files;
	/* Windows without a file: the transport carries the bytes, or fails */
	bool (*message)(void *transport, uint64_t address, void *data, size_t size, bool write);
	void *transport;
	uint64_t bytes_written;
	uint64_t writes_refused;
	uint64_t reads_refused;
};

/* Return 0 or a negative errno; the descriptor is left to the caller */
int guest_memory_map(struct guest_memory *m, uint64_t address, uint64_t size, uint64_t offset,
		     bool readable, bool writable, int fd);
int guest_memory_unmap(struct guest_memory *m, uint64_t address, uint64_t size);
void guest_memory_unmap_all(struct guest_memory *m);

/* All of it or nothing; false where a byte is outside or may not be accessed */
bool guest_memory_read(struct guest_memory *m, uint64_t address, void *data, size_t size);
bool guest_memory_write(struct guest_memory *m, uint64_t address, const void *data, size_t size);

#endif
