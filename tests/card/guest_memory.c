// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each shared file is mapped once and whole, however many windows show parts
 * of it: behind a virtual IOMMU a client sends a window a page, and a mapping
 * each would soon meet the kernel's limit on mappings.
 */
#include "guest_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct guest_file {
	struct guest_file *next;
	dev_t dev;
	ino_t ino;
	size_t size;
	uint8_t *data;
	int protection;
	size_t users;
};

static struct guest_file *file_get(struct guest_memory *m, int fd, uint64_t end, bool writable,
				   int *error)
{
	int protection = PROT_READ | (writable ? PROT_WRITE : 0);
	struct guest_file *f;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		*error = -errno;
		return NULL;
	}
	if (st.st_size < 0 || (uint64_t)st.st_size < end) {
		*error = -EINVAL;
		return NULL;
	}
	for (f = m->files; f; f = f->next) {
		if (f->dev == st.st_dev && f->ino == st.st_ino && f->size >= end &&
		    (f->protection & protection) == protection) {
			f->users++;
			return f;
		}
	}
	f = calloc(1, sizeof(*f));
	if (!f) {
		*error = -ENOMEM;
		return NULL;
	}
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->size = st.st_size;
	f->protection = protection;
	f->users = 1;
	f->data = mmap(NULL, f->size, protection, MAP_SHARED, fd, 0);
	if (f->data == MAP_FAILED) {
		*error = -errno;
		free(f);
		return NULL;
	}
	f->next = m->files;
	m->files = f;
	return f;
}

static void file_put(struct guest_memory *m, struct guest_file *f)
{
	struct guest_file **link;

	if (!f || --f->users)
		return;
	for (link = &m->files; *link != f; link = &(*link)->next)
		;
	*link = f->next;
	munmap(f->data, f->size);
	free(f);
}

/* The first window that ends after the address */
static size_t window_after(const struct guest_memory *m, uint64_t address)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct guest_window *w = &m->windows[middle];

		if (w->address + (w->size - 1) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int guest_memory_map(struct guest_memory *m, uint64_t address, uint64_t size, uint64_t offset,
		     bool readable, bool writable, int fd)
{
	struct guest_window *w;
	struct guest_file *f = NULL;
	int error = 0;
	size_t at;

	if (!size || address + (size - 1) < address || offset + size < offset)
		return -EINVAL;
	at = window_after(m, address);
	if (at < m->count && m->windows[at].address <= address + (size - 1))
		return -EEXIST;
	if (m->count >= GUEST_MEMORY_WINDOWS)
		return -ENOSPC;
	if (fd >= 0) {
		f = file_get(m, fd, offset + size, writable, &error);
		if (!f)
			return error;
	}
	if (m->count == m->room) {
		size_t room = m->room ? m->room * 2 : 64;
		struct guest_window *more = realloc(m->windows, room * sizeof(*more));

		if (!more) {
			file_put(m, f);
			return -ENOMEM;
		}
		m->windows = more;
		m->room = room;
	}
	w = &m->windows[at];
	memmove(w + 1, w, (m->count - at) * sizeof(*w));
	m->count++;
	*w = (struct guest_window) {
		.address = address,
		.size = size,
		.readable = readable,
		.writable = writable,
		.file = f,
		.data = f ? f->data + offset : NULL,
	};
	return 0;
}

/*
 * As the kernel's own VFIO does it: every window that lies in the range goes,
 * a range that would cut one in two is refused, an empty one is no error.
 * QEMU's virtual IOMMU relies on the first and the last.
 */
int guest_memory_unmap(struct guest_memory *m, uint64_t address, uint64_t size)
{
	uint64_t last = address + (size - 1);
	size_t from, to;

	if (!size || last < address)
		return -EINVAL;
	from = window_after(m, address);
	for (to = from; to < m->count && m->windows[to].address <= last; to++) {
		const struct guest_window *w = &m->windows[to];

		if (w->address < address || w->address + (w->size - 1) > last)
			return -EINVAL;
	}
	for (size_t i = from; i < to; i++)
		file_put(m, m->windows[i].file);
	memmove(&m->windows[from], &m->windows[to], (m->count - to) * sizeof(*m->windows));
	m->count -= to - from;
	return 0;
}

void guest_memory_unmap_all(struct guest_memory *m)
{
	for (size_t i = 0; i < m->count; i++)
		file_put(m, m->windows[i].file);
	m->count = 0;
}

static struct guest_window *window_at(struct guest_memory *m, uint64_t address)
{
	size_t at = m->last;

	if (at >= m->count || address < m->windows[at].address ||
	    address - m->windows[at].address >= m->windows[at].size)
		at = window_after(m, address);
	if (at >= m->count || m->windows[at].address > address)
		return NULL;
	m->last = at;
	return &m->windows[at];
}

/* A write that is refused half way would leave a torn transfer: look first */
static bool reachable(struct guest_memory *m, uint64_t address, size_t size, bool write)
{
	if (address + size < address)
		return false;
	while (size) {
		const struct guest_window *w = window_at(m, address);
		uint64_t left;

		if (!w || !(write ? w->writable : w->readable))
			return false;
		left = w->size - (address - w->address);
		if (left >= size)
			return true;
		address += left;
		size -= left;
	}
	return true;
}

static bool transfer(struct guest_memory *m, uint64_t address, uint8_t *data, size_t size,
		     bool write)
{
	while (size) {
		const struct guest_window *w = window_at(m, address);
		uint64_t at, part;

		/* a message can take the window away */
		if (!w)
			return false;
		at = address - w->address;
		part = w->size - at;
		if (part > size)
			part = size;
		if (!w->data) {
			if (!m->message || !m->message(m->transport, address, data, part, write))
				return false;
		} else if (write) {
			memcpy(w->data + at, data, part);
		} else {
			memcpy(data, w->data + at, part);
		}
		address += part;
		data += part;
		size -= part;
	}
	return true;
}

bool guest_memory_read(struct guest_memory *m, uint64_t address, void *data, size_t size)
{
	if (reachable(m, address, size, false) && transfer(m, address, data, size, false))
		return true;
	m->reads_refused++;
	return false;
}

bool guest_memory_write(struct guest_memory *m, uint64_t address, const void *data, size_t size)
{
	if (reachable(m, address, size, true) &&
	    transfer(m, address, (uint8_t *)(uintptr_t)data, size, true)) {
		m->bytes_written += size;
		return true;
	}
	m->writes_refused++;
	return false;
}
