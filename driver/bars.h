/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory BARs of a PCI function, as far as programs may reach them through a
 * register node (bars.c).
 */
#ifndef GRABBER_BARS_H
#define GRABBER_BARS_H

#include <linux/mutex.h>
#include <linux/types.h>

#define GRABBER_BARS	6

/**
 * struct grabber_window - one memory BAR
 * @start: CPU physical address
 * @size: bytes that pread and pwrite reach, 0: there is no such memory BAR
 * @mmap_size: bytes that may be mapped, 0 where a page would show more than them
 * @table: where in it the MSI-X table starts, which is the kernel's own
 * @table_size: bytes of that, 0: it is not in this BAR
 * @flags: GRABBER_BAR_PREFETCHABLE, GRABBER_BAR_64BIT
 * @private: it has the registers of the card's DMA engine: no program may have it
 * @driver: mappings that the driver's board has of it
 * @piece: the kernel's mapping of the piece that was last read or written; under the
 *	lock of struct grabber_bars, as the next three
 * @piece_start: where that piece starts
 * @uncached: mappings of programs that are uncached
 * @combined: mappings of programs that are write-combining
 */
struct grabber_window {
	phys_addr_t start;
	u64 size;
	u64 mmap_size;
	u64 table;
	u32 table_size;
	u32 flags;
	bool private;
	u32 driver;
	void __iomem *piece;
	u64 piece_start;
	u32 uncached;
	u32 combined;
};

/**
 * struct grabber_bars - the BARs of a function
 * @lock: see above; taken after mmap_lock and window_lock
 * @left: the device has left: nothing of it may be mapped any more
 * @windows: by their numbers
 */
struct grabber_bars {
	struct mutex lock; /* pieces, counts of mappings, @left */
	bool left;
	struct grabber_window windows[GRABBER_BARS];
};

/* Is there any of the MSI-X table in these bytes? */
static inline bool grabber_window_has_table(const struct grabber_window *window, u64 offset,
					    u64 bytes)
{
	return offset < window->table + window->table_size && offset + bytes > window->table;
}

void grabber_bars_init(struct grabber_bars *bars);
void grabber_bars_leave(struct grabber_bars *bars);
int grabber_register_read(struct grabber_bars *bars, u32 bar, u64 offset, size_t bytes,
			  u64 *value);
int grabber_register_write(struct grabber_bars *bars, u32 bar, u64 offset, size_t bytes,
			   u64 value);
int grabber_window_mapped(struct grabber_bars *bars, u32 bar, bool combine);
void grabber_window_copied(struct grabber_bars *bars, u32 bar, bool combine);
void grabber_window_unmapped(struct grabber_bars *bars, u32 bar, bool combine);

#endif /* GRABBER_BARS_H */
