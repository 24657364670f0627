// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory BARs of a PCI function: single registers of any of them, and who maps them
 * how.
 *
 * A BAR may have more bytes than the kernel has addresses to spare. So none is mapped
 * as a whole: the piece with the register that is read or written is, one a BAR, and
 * stays for the next access, which as a rule is near. Mappings of programs cost the
 * kernel no addresses.
 *
 * Mappings are uncached, or write-combining where a program asked for it, but a page
 * never has both at a time: that is undefined on x86, and there the kernel keeps one
 * memory type for each address. The first mapping that is write-combining sets it for
 * the whole BAR, and the last one takes it back.
 */
#include <linux/io.h>
#include <linux/sizes.h>

#include "bars.h"

/* At least a page on every architecture. */
#define PIECE	SZ_64K

/**
 * grabber_bars_init() - set up what BARs need in a new function
 * @bars: the BARs
 */
void grabber_bars_init(struct grabber_bars *bars)
{
	mutex_init(&bars->lock);
}

static void drop_piece(struct grabber_window *window)
{
	if (window->piece)
		iounmap(window->piece);
	window->piece = NULL;
}

/**
 * grabber_bars_leave() - the device leaves; its addresses may soon be another's
 * @bars: its BARs; no program can reach them any more, but mappings that were revoked
 *	may stay for long
 */
void grabber_bars_leave(struct grabber_bars *bars)
{
	int bar;

	mutex_lock(&bars->lock);
	bars->left = true;
	for (bar = 0; bar < GRABBER_BARS; bar++) {
		struct grabber_window *window = &bars->windows[bar];

		drop_piece(window);
		if (window->combined)
			arch_io_free_memtype_wc(window->start, window->size);
	}
	mutex_unlock(&bars->lock);
}

static u64 read_register(void __iomem *at, size_t bytes)
{
	switch (bytes) {
	case 1:
		return readb(at);
	case 2:
		return readw(at);
	case 4:
		return readl(at);
#ifdef CONFIG_64BIT
	case 8:
		return readq(at);
#endif
	}
	return 0;
}

static void write_register(void __iomem *at, size_t bytes, u64 value)
{
	switch (bytes) {
	case 1:
		writeb(value, at);
		break;
	case 2:
		writew(value, at);
		break;
	case 4:
		writel(value, at);
		break;
#ifdef CONFIG_64BIT
	case 8:
		writeq(value, at);
		break;
#endif
	}
}

/* The register at this offset, for as long as the lock is held. */
static void __iomem *reach(struct grabber_bars *bars, u32 bar, u64 offset)
{
	struct grabber_window *window = &bars->windows[bar];
	u64 start = round_down(offset, PIECE);
	phys_addr_t at = window->start + start;
	size_t bytes = min_t(u64, window->size - start, PIECE);

	lockdep_assert_held(&bars->lock);
	if (bars->left)
		return IOMEM_ERR_PTR(-ENODEV);
	if (!window->piece || window->piece_start != start) {
		drop_piece(window);
		window->piece = window->combined ? ioremap_wc(at, bytes) : ioremap(at, bytes);
		window->piece_start = start;
	}
	return window->piece ? window->piece + (offset - start) : IOMEM_ERR_PTR(-ENOMEM);
}

/**
 * grabber_register_read() - read one register
 * @bars: the BARs; the device is there
 * @bar: number of the BAR
 * @offset: where in it; a multiple of @bytes, and inside
 * @bytes: 1, 2, 4, or on 64-bit kernels 8
 * @value: what it has
 *
 * Return: 0; -ENOMEM: the kernel has no addresses to spare; -ENODEV.
 */
int grabber_register_read(struct grabber_bars *bars, u32 bar, u64 offset, size_t bytes,
			  u64 *value)
{
	void __iomem *at;

	mutex_lock(&bars->lock);
	at = reach(bars, bar, offset);
	if (!IS_ERR(at))
		*value = read_register(at, bytes);
	mutex_unlock(&bars->lock);
	return PTR_ERR_OR_ZERO(at);
}

/**
 * grabber_register_write() - write one register
 * @bars: the BARs; the device is there
 * @bar: number of the BAR
 * @offset: where in it; a multiple of @bytes, and inside
 * @bytes: 1, 2, 4, or on 64-bit kernels 8
 * @value: what it shall have
 *
 * Return: 0; -ENOMEM: the kernel has no addresses to spare; -ENODEV.
 */
int grabber_register_write(struct grabber_bars *bars, u32 bar, u64 offset, size_t bytes,
			   u64 value)
{
	void __iomem *at;

	mutex_lock(&bars->lock);
	at = reach(bars, bar, offset);
	if (!IS_ERR(at)) {
		write_register(at, bytes, value);
		if (bars->windows[bar].combined)
			wmb(); /* what a call of its own writes is not combined with the next */
	}
	mutex_unlock(&bars->lock);
	return PTR_ERR_OR_ZERO(at);
}

static int set_combining(struct grabber_window *window)
{
	/* It is uncached, and may be near what comes next. */
	drop_piece(window);
	return arch_io_reserve_memtype_wc(window->start, window->size);
}

/**
 * grabber_window_mapped() - a program maps a BAR, or a part of it
 * @bars: the BARs
 * @bar: its number
 * @combine: write-combining, not uncached
 *
 * Return: 0, and then grabber_window_unmapped() must follow; -EBUSY: it is mapped
 * already in the other way; -ENODEV.
 */
int grabber_window_mapped(struct grabber_bars *bars, u32 bar, bool combine)
{
	struct grabber_window *window = &bars->windows[bar];
	int err = 0;

	mutex_lock(&bars->lock);
	if (bars->left)
		err = -ENODEV;
	else if (combine ? window->uncached || window->driver : window->combined)
		err = -EBUSY;
	else if (combine && !window->combined)
		err = set_combining(window);
	if (!err && combine)
		window->combined++;
	else if (!err)
		window->uncached++;
	mutex_unlock(&bars->lock);
	return err;
}

/**
 * grabber_window_copied() - a mapping is divided, or a process forks
 * @bars: the BARs
 * @bar: number of the one that is mapped
 * @combine: as for grabber_window_mapped()
 */
void grabber_window_copied(struct grabber_bars *bars, u32 bar, bool combine)
{
	struct grabber_window *window = &bars->windows[bar];

	mutex_lock(&bars->lock);
	if (combine)
		window->combined++;
	else
		window->uncached++;
	mutex_unlock(&bars->lock);
}

/**
 * grabber_window_unmapped() - a mapping is gone
 * @bars: the BARs
 * @bar: number of the one that was mapped
 * @combine: as for grabber_window_mapped()
 */
void grabber_window_unmapped(struct grabber_bars *bars, u32 bar, bool combine)
{
	struct grabber_window *window = &bars->windows[bar];

	mutex_lock(&bars->lock);
	if (!combine) {
		window->uncached--;
	} else if (!--window->combined && !bars->left) {
		drop_piece(window);
		arch_io_free_memtype_wc(window->start, window->size);
	}
	mutex_unlock(&bars->lock);
}
