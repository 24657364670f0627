// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap of /dev/grabberN: the frame slots, as pages.
 *
 * The fault handler gives ordinary, counted pages (what the nopage method of old
 * did), not page frame numbers: so O_DIRECT, process_vm_readv and debuggers work
 * on frames, and a page lives as long as somebody has it mapped. docs/mmap.md
 * compares the techniques.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "card.h"
#include "compat/compat.h"

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

static vm_fault_t frame_fault(struct vm_fault *vmf)
{
	struct grabber_file *file = vmf->vma->vm_file->private_data;
	struct page *page = grabber_buffer_page(&file->card->buffer, vmf->pgoff);

	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

/*
 * Each page's first write, in a mapping that may write. Frames may be written, by
 * programs that draw into them; the status page may not, or one reader could
 * mislead the others. That this method exists is also why the kernel maps pages
 * read-only until then.
 */
static vm_fault_t frame_page_mkwrite(struct vm_fault *vmf)
{
	struct grabber_file *file = vmf->vma->vm_file->private_data;

	if (vmf->pgoff >= grabber_buffer_slot_pages(&file->card->buffer))
		return VM_FAULT_SIGBUS;
	/* Told "locked", the kernel does not look for a file that the page belongs to. */
	lock_page(vmf->page);
	return VM_FAULT_LOCKED;
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
	.page_mkwrite = frame_page_mkwrite,
};

/**
 * grabber_frame_mmap() - map frame slots
 * @filp: the file
 * @vma: the mapping
 *
 * Return: 0, or as grabber_vma_check(); -ENODEV when the card is gone.
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
	size = grabber_buffer_size(&card->buffer);
	err = card->gone ? -ENODEV : 0;
	spin_unlock_irq(&card->wait.lock);
	if (!err)
		err = grabber_vma_check(vma, size);
	if (err) {
		spin_lock_irq(&card->wait.lock);
		card->mappings--;
		spin_unlock_irq(&card->wait.lock);
		return err;
	}
	vma->vm_ops = &frame_vm_ops;
	return 0;
}
