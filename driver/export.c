// SPDX-License-Identifier: GPL-2.0-only
/*
 * A slot as a dma-buf: another driver, or another program, gets a frame without a
 * copy. The dma-buf holds the slot as a reader does, and the card object with it.
 *
 * It is part of its reader's share for as long as the reader's file is open. A dma-buf
 * outlives that file, so all of them together leave readers a place, too
 * (grabber_ring_export()).
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "card.h"
#include "compat/iosys_map.h"

/**
 * struct grabber_exported - what stands behind a dma-buf
 * @file: whose slot it was; referenced, though the file may be closed
 * @card: its card
 * @slot: the slot; held
 * @vaddr: the kernel's mapping of it, while somebody wants one
 * @lock: protects @importers
 * @importers: mappings for other devices
 */
struct grabber_exported {
	struct grabber_file *file;
	struct grabber_card *card;
	u32 slot;
	void *vaddr;
	struct mutex lock; /* importers */
	struct list_head importers;
};

/* One importer's mapping of the slot for its device. */
struct importer {
	struct list_head entry;
	struct device *dev;
	struct sg_table sgt;
	enum dma_data_direction direction;
};

static struct page **pages_of(struct grabber_exported *exported)
{
	return exported->card->buffer.slots[exported->slot].pages;
}

static struct sg_table *export_map(struct dma_buf_attachment *attachment,
				   enum dma_data_direction direction)
{
	struct grabber_exported *exported = attachment->dmabuf->priv;
	u32 count = exported->card->buffer.slot_pages;
	struct importer *importer = kzalloc(sizeof(*importer), GFP_KERNEL_ACCOUNT);
	int err;

	if (!importer)
		return ERR_PTR(-ENOMEM);
	err = sg_alloc_table_from_pages(&importer->sgt, pages_of(exported), count, 0,
					(unsigned long)count << PAGE_SHIFT, GFP_KERNEL);
	if (err)
		goto free;
	importer->dev = attachment->dev;
	importer->direction = direction;
	err = dma_map_sgtable(attachment->dev, &importer->sgt, direction, 0);
	if (err)
		goto free_table;
	mutex_lock(&exported->lock);
	list_add(&importer->entry, &exported->importers);
	mutex_unlock(&exported->lock);
	return &importer->sgt;

free_table:
	sg_free_table(&importer->sgt);
free:
	kfree(importer);
	return ERR_PTR(err);
}

static void export_unmap(struct dma_buf_attachment *attachment, struct sg_table *sgt,
			 enum dma_data_direction direction)
{
	struct grabber_exported *exported = attachment->dmabuf->priv;
	struct importer *importer = container_of(sgt, struct importer, sgt);

	mutex_lock(&exported->lock);
	list_del(&importer->entry);
	mutex_unlock(&exported->lock);
	dma_unmap_sgtable(attachment->dev, sgt, direction, 0);
	sg_free_table(sgt);
	kfree(importer);
}

static int export_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct grabber_exported *exported = dmabuf->priv;
	struct importer *importer;

	mutex_lock(&exported->lock);
	list_for_each_entry(importer, &exported->importers, entry)
		dma_sync_sgtable_for_cpu(importer->dev, &importer->sgt, importer->direction);
	mutex_unlock(&exported->lock);
	return 0;
}

static int export_end_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct grabber_exported *exported = dmabuf->priv;
	struct importer *importer;

	mutex_lock(&exported->lock);
	list_for_each_entry(importer, &exported->importers, entry)
		dma_sync_sgtable_for_device(importer->dev, &importer->sgt, importer->direction);
	mutex_unlock(&exported->lock);
	return 0;
}

static vm_fault_t export_fault(struct vm_fault *vmf)
{
	struct grabber_exported *exported = vmf->vma->vm_private_data;

	if (vmf->pgoff >= exported->card->buffer.slot_pages)
		return VM_FAULT_SIGBUS;
	vmf->page = pages_of(exported)[vmf->pgoff];
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct export_vm_ops = {
	.fault = export_fault,
};

/* The dma-buf's file lives as long as the mapping, and so does what is behind it. */
static int export_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct grabber_exported *exported = dmabuf->priv;
	int err = grabber_vma_check(vma, (u64)exported->card->buffer.slot_pages << PAGE_SHIFT);

	if (err)
		return err;
	vma->vm_private_data = exported;
	vma->vm_ops = &export_vm_ops;
	/* All at once, as frame_mmap.c does. */
	return grabber_vma_insert(vma, vma->vm_start, pages_of(exported) + vma->vm_pgoff,
				  vma_pages(vma));
}

/* The dma-buf core counts, and asks once for all who want it. */
static int export_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct grabber_exported *exported = dmabuf->priv;

	exported->vaddr = vmap(pages_of(exported), exported->card->buffer.slot_pages,
			       VM_MAP, PAGE_KERNEL);
	if (!exported->vaddr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, exported->vaddr);
	return 0;
}

static void export_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct grabber_exported *exported = dmabuf->priv;

	vunmap(exported->vaddr);
}

static void export_free(struct grabber_exported *exported)
{
	struct grabber_card *card = exported->card;

	spin_lock_irq(&card->wait.lock);
	grabber_ring_unexport(&card->ring, exported->slot);
	grabber_slot_release(exported->file, exported->slot, &exported->file->exporting);
	spin_unlock_irq(&card->wait.lock);
	grabber_file_put(exported->file);
	kfree(exported);
}

static void export_release(struct dma_buf *dmabuf)
{
	export_free(dmabuf->priv);
}

DEFINE_DMA_BUF_VMAP_OPS(export_vmap, export_vunmap)

static const struct dma_buf_ops export_ops = {
	.map_dma_buf = export_map,
	.unmap_dma_buf = export_unmap,
	.begin_cpu_access = export_begin_cpu_access,
	.end_cpu_access = export_end_cpu_access,
	.mmap = export_mmap,
	.release = export_release,
	DMA_BUF_VMAP_OPS(export_vmap, export_vunmap),
};

/* A second hold on a slot that the file holds. Or an error, as grabber_export_slot() says. */
static struct grabber_exported *hold_again(struct grabber_file *file, u32 slot)
{
	struct grabber_card *card = file->card;
	struct grabber_exported *exported = kzalloc(sizeof(*exported), GFP_KERNEL_ACCOUNT);
	int err = 0;

	if (!exported)
		return ERR_PTR(-ENOMEM);
	slot = array_index_nospec(slot, GRABBER_RING_SLOTS_MAX);
	spin_lock_irq(&card->wait.lock);
	if (!test_bit(slot, file->held))
		err = -EINVAL;
	else if (!grabber_ring_export(&card->ring, slot))
		err = -EBUSY;
	else
		file->exporting++;
	spin_unlock_irq(&card->wait.lock);
	if (err) {
		kfree(exported);
		return ERR_PTR(err);
	}
	kref_get(&file->ref);
	exported->file = file;
	exported->card = card;
	exported->slot = slot;
	mutex_init(&exported->lock);
	INIT_LIST_HEAD(&exported->importers);
	return exported;
}

static struct dma_buf *make_dma_buf(struct grabber_file *file, u32 slot, u32 flags)
{
	struct grabber_exported *exported = hold_again(file, slot);
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;

	if (IS_ERR(exported))
		return ERR_CAST(exported);
	info.ops = &export_ops;
	info.size = (size_t)file->card->buffer.slot_pages << PAGE_SHIFT;
	info.flags = flags & (O_ACCMODE | O_CLOEXEC);
	info.priv = exported;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		export_free(exported);
	return dmabuf;
}

/**
 * grabber_export_slot() - GRABBER_IOC_EXPORT
 * @file: the reader
 * @user: its struct grabber_export
 *
 * Return: 0 or an error, as the uapi header says.
 */
int grabber_export_slot(struct grabber_file *file, struct grabber_export __user *user)
{
	struct grabber_export args;
	struct dma_buf *dmabuf;
	int fd;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.flags & ~(O_CLOEXEC | O_RDWR) || args.slot >= GRABBER_RING_SLOTS_MAX ||
	    memchr_inv(args.reserved, 0, sizeof(args.reserved)))
		return -EINVAL;
	/* A dma-buf can be read, and gives no more than the file that it came from. */
	if (!(file->filp->f_mode & FMODE_READ) ||
	    ((args.flags & O_RDWR) && !(file->filp->f_mode & FMODE_WRITE)))
		return -EACCES;
	fd = get_unused_fd_flags(args.flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	dmabuf = make_dma_buf(file, args.slot, args.flags);
	if (IS_ERR(dmabuf)) {
		put_unused_fd(fd);
		return PTR_ERR(dmabuf);
	}
	args.fd = fd;
	if (copy_to_user(user, &args, sizeof(args))) {
		put_unused_fd(fd);
		dma_buf_put(dmabuf);
		return -EFAULT;
	}
	/* From here on the program owns it. */
	fd_install(fd, dmabuf->file);
	return 0;
}

/* A plain MODULE_INFO, for the macro's argument changed from a word to a string. */
MODULE_INFO(import_ns, "DMA_BUF");
