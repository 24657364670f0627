// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap of /dev/grabberN: the frame slots and the status page, as pages.
 *
 * They are ordinary, counted pages, not page frame numbers: so O_DIRECT,
 * process_vm_readv, RDMA and debuggers work on frames, and a page lives as long as
 * somebody has it mapped. All are put in at once, so that no page fault comes later.
 * docs/mmap.md compares the techniques.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "card.h"
#include "compat/compat.h"

/* Pages that are put in before a look at signals: some 0.1 ms. */
#define INSERT_PAGES	1024UL

/**
 * grabber_vma_check() - what is the same for a mapping of either node
 * @vma: the mapping
 * @size: bytes of the region
 *
 * Return: 0; -EINVAL: not wholly inside the region, or private; -EACCES:
 * executable.
 */
int grabber_vma_check(struct vm_area_struct *vma, u64 size)
{
	u64 pages = vma_pages(vma);
	u64 total = size >> PAGE_SHIFT;

	if (vma->vm_pgoff >= total || pages > total - vma->vm_pgoff)
		return -EINVAL;
	/* A private mapping would keep stale copies of what it wrote to. (VM_SHARED
	 * is not the flag to ask: a read-only file's shared mapping lacks it.)
	 */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	vm_flags_clear(vma, VM_MAYEXEC);
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

/**
 * grabber_vma_insert() - put pages into a new mapping
 * @vma: the mapping, in its mmap method
 * @at: address of the first
 * @pages: the pages
 * @count: how many
 *
 * On an error the kernel takes out those that were put in.
 *
 * Return: 0; -ENOMEM; -EINTR: the program is being killed.
 */
int grabber_vma_insert(struct vm_area_struct *vma, unsigned long at, struct page **pages,
		       unsigned long count)
{
	while (count) {
		unsigned long left = min(count, INSERT_PAGES), part = left;
		int err = vm_insert_pages(vma, at, pages, &left);

		if (err)
			return err;
		pages += part;
		at += part << PAGE_SHIFT;
		count -= part;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int insert_all(struct vm_area_struct *vma, const struct grabber_frame_buffer *buffer)
{
	unsigned long at = vma->vm_start;
	pgoff_t pgoff = vma->vm_pgoff;
	int err = 0;

	while (!err && at < vma->vm_end) {
		unsigned long count = (vma->vm_end - at) >> PAGE_SHIFT;
		struct page **pages = grabber_buffer_pages(buffer, pgoff, &count);

		err = grabber_vma_insert(vma, at, pages, count);
		at += count << PAGE_SHIFT;
		pgoff += count;
	}
	return err;
}

/* Pages that a program had taken out, by MADV_DONTNEED as a rule, come back. */
static vm_fault_t frame_fault(struct vm_fault *vmf)
{
	struct grabber_file *file = vmf->vma->vm_file->private_data;
	unsigned long count = 1;
	struct page **pages = grabber_buffer_pages(&file->card->buffer, vmf->pgoff, &count);

	if (!pages)
		return VM_FAULT_SIGBUS;
	get_page(*pages);
	vmf->page = *pages;
	return 0;
}

/* Counted, for the buffer is not exchanged under a mapping: forks and parts too. */
static void frame_vma_open(struct vm_area_struct *vma)
{
	struct grabber_card *card = ((struct grabber_file *)vma->vm_file->private_data)->card;

	spin_lock_irq(&card->wait.lock);
	card->mappings++;
	spin_unlock_irq(&card->wait.lock);
}

static void frame_vma_close(struct vm_area_struct *vma)
{
	struct grabber_card *card = ((struct grabber_file *)vma->vm_file->private_data)->card;

	spin_lock_irq(&card->wait.lock);
	card->mappings--;
	spin_unlock_irq(&card->wait.lock);
}

static const struct vm_operations_struct frame_vm_ops = {
	.open = frame_vma_open,
	.close = frame_vma_close,
	.fault = frame_fault,
};

/*
 * Frames may be written, by programs that draw into them; the status page may not, or
 * one reader could mislead the others. So a mapping of it is never writable, nor can it
 * be made so. (A page_mkwrite method could tell one page from the other, but then the
 * kernel lets nobody pin what it maps writable.)
 */
static int guard_status(struct vm_area_struct *vma, const struct grabber_frame_buffer *buffer)
{
	if (vma->vm_pgoff + vma_pages(vma) <= grabber_buffer_slot_pages(buffer))
		return 0;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	vm_flags_clear(vma, VM_MAYWRITE);
	return 0;
}

/**
 * grabber_frame_mmap() - map frame slots
 * @filp: the file
 * @vma: the mapping
 *
 * Return: 0, or as grabber_vma_check(); -EACCES also where the status page would be
 * writable; -ENODEV when the card is gone; -ENOMEM for page tables; -EINTR when the
 * program is being killed.
 */
int grabber_frame_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	u64 size;
	int err;

	/* Counted first: from here on the size stays what it is. */
	spin_lock_irq(&card->wait.lock);
	card->mappings++;
	card->mapped++;
	size = grabber_buffer_size(&card->buffer);
	err = card->gone ? -ENODEV : 0;
	spin_unlock_irq(&card->wait.lock);
	if (!err)
		err = grabber_vma_check(vma, size);
	if (!err)
		err = guard_status(vma, &card->buffer);
	if (!err)
		err = insert_all(vma, &card->buffer);
	/* For a mapping that was refused the kernel does not call frame_vma_close(). */
	if (err) {
		spin_lock_irq(&card->wait.lock);
		card->mappings--;
		spin_unlock_irq(&card->wait.lock);
		return err;
	}
	vma->vm_ops = &frame_vm_ops;
	return 0;
}
