// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/grabberN-bar, the register window: mmap uncached or write-combining, pread and
 * pwrite of single aligned registers, of the BAR that the file has chosen.
 *
 * Whoever may write here can make the card write to any memory, unless an IOMMU
 * stands in between: the node is as good as root, and closed under kernel lockdown. A
 * lockdown may come later than an open, so each use asks again. What it cannot take
 * away are pages that are mapped and were touched before, for nobody is told of it.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/security.h>
#include <linux/uaccess.h>

#include "card.h"
#include "compat/compat.h"

static int locked_down(void)
{
	return security_locked_down(LOCKDOWN_PCI_ACCESS);
}

static int bar_open(struct inode *inode, struct file *filp)
{
	struct grabber_file *file;
	int err = locked_down();

	if (err)
		return err;
	file = grabber_file_open(inode, filp);
	if (IS_ERR(file))
		return PTR_ERR(file);
	grabber_lines_open(file);
	return 0;
}

static int bar_release(struct inode *inode, struct file *filp)
{
	grabber_interrupts_unwant(filp->private_data);
	grabber_file_close(filp->private_data);
	return 0;
}

static u32 chosen(const struct grabber_file *file)
{
	return grabber_choice_bar(READ_ONCE(file->choice));
}

/*
 * A register is 1, 2, 4 or 8 bytes, lies on a multiple of that, and is inside. Those of
 * the MSI-X table are the kernel's.
 */
static int check_register(const struct grabber_window *window, u64 offset, size_t bytes)
{
	if (bytes != 1 && bytes != 2 && bytes != 4 &&
	    !(bytes == 8 && IS_ENABLED(CONFIG_64BIT)))
		return -EINVAL;
	if (offset % bytes || offset >= window->size || bytes > window->size - offset)
		return -EINVAL;
	return grabber_window_has_table(window, offset, bytes) ? -EACCES : 0;
}

/* A value of these many bytes, all ones: what a card that is not there reads as. */
static bool all_ones(u64 value, size_t bytes)
{
	return value == GENMASK_ULL(bytes * 8 - 1, 0);
}

static ssize_t bar_read(struct file *filp, char __user *to, size_t bytes, loff_t *pos)
{
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	struct grabber_bars *bars = &card->function->bars;
	u32 bar = chosen(file);
	u64 value;
	int err = locked_down();

	if (err)
		return err;
	if (!bytes)
		return 0;
	err = check_register(&bars->windows[bar], *pos, bytes);
	if (err)
		return err;
	err = grabber_window_enter(card, filp->f_flags & O_NONBLOCK);
	if (err)
		return err;
	err = grabber_register_read(bars, bar, *pos, bytes, &value);
	if (!err && all_ones(value, bytes) && !card->function->bus->present(card->dev))
		err = -ENODEV;
	grabber_window_leave(card);
	if (err)
		return err;

	/* Registers are little-endian, files have the processor's order. */
	switch (bytes) {
	case 1:
		err = put_user((u8)value, (u8 __user *)to);
		break;
	case 2:
		err = put_user((u16)value, (u16 __user *)to);
		break;
	case 4:
		err = put_user((u32)value, (u32 __user *)to);
		break;
	default:
		err = copy_to_user(to, &value, sizeof(value)) ? -EFAULT : 0;
	}
	if (err)
		return err;
	*pos += bytes;
	return bytes;
}

static int get_value(const char __user *from, size_t bytes, u64 *value)
{
	union {
		u8 b;
		u16 w;
		u32 l;
		u64 q;
	} in;

	if (copy_from_user(&in, from, bytes))
		return -EFAULT;
	*value = bytes == 1 ? in.b : bytes == 2 ? in.w : bytes == 4 ? in.l : in.q;
	return 0;
}

static ssize_t bar_write(struct file *filp, const char __user *from, size_t bytes, loff_t *pos)
{
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	struct grabber_bars *bars = &card->function->bars;
	u32 bar = chosen(file);
	u64 value;
	int err = locked_down();

	if (err)
		return err;
	if (!bytes)
		return 0;
	err = check_register(&bars->windows[bar], *pos, bytes);
	if (err)
		return err;
	err = get_value(from, bytes, &value);
	if (err)
		return err;
	err = grabber_window_enter(card, filp->f_flags & O_NONBLOCK);
	if (err)
		return err;
	err = grabber_register_write(bars, bar, *pos, bytes, value);
	grabber_window_leave(card);
	if (err)
		return err;
	*pos += bytes;
	return bytes;
}

/* Interrupts of the user logic; registers can be read at any time. */
static __poll_t bar_poll(struct file *filp, poll_table *table)
{
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	__poll_t events = 0;

	poll_wait(filp, &card->function->lines.wait, table);
	if (grabber_lines_ready(file))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(card->gone))
		events |= EPOLLERR | EPOLLHUP;
	else if (READ_ONCE(card->cut_off))
		events |= EPOLLERR;
	return events;
}

static loff_t bar_llseek(struct file *filp, loff_t offset, int whence)
{
	struct grabber_file *file = filp->private_data;

	return fixed_size_llseek(filp, offset, whence,
				 file->card->function->bars.windows[chosen(file)].size);
}

/* A mapping keeps the choice that its file had when it was made. */
static u32 vma_choice(const struct vm_area_struct *vma)
{
	return (unsigned long)vma->vm_private_data;
}

static struct grabber_card *vma_card(const struct vm_area_struct *vma)
{
	return ((struct grabber_file *)vma->vm_file->private_data)->card;
}

static void bar_vma_open(struct vm_area_struct *vma)
{
	u32 choice = vma_choice(vma);

	grabber_window_copied(&vma_card(vma)->function->bars, grabber_choice_bar(choice),
			      choice & GRABBER_CHOICE_COMBINE);
}

static void bar_vma_close(struct vm_area_struct *vma)
{
	u32 choice = vma_choice(vma);

	grabber_window_unmapped(&vma_card(vma)->function->bars, grabber_choice_bar(choice),
				choice & GRABBER_CHOICE_COMBINE);
}

static vm_fault_t bar_fault(struct vm_fault *vmf)
{
	if (locked_down())
		return VM_FAULT_SIGBUS;
	return grabber_window_fault(vma_card(vmf->vma), vmf,
				    grabber_choice_bar(vma_choice(vmf->vma)));
}

static const struct vm_operations_struct bar_vm_ops = {
	.open = bar_vma_open,
	.close = bar_vma_close,
	.fault = bar_fault,
};

static int bar_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct grabber_file *file = filp->private_data;
	u32 choice = READ_ONCE(file->choice), bar = grabber_choice_bar(choice);
	bool combine = choice & GRABBER_CHOICE_COMBINE;
	struct grabber_bars *bars = &file->card->function->bars;
	int err = locked_down();

	if (err)
		return err;
	if (READ_ONCE(file->card->gone))
		return -ENODEV;
	err = grabber_vma_check(vma, bars->windows[bar].mmap_size);
	if (!err)
		err = grabber_window_mapped(bars, bar, combine);
	if (err)
		return err;
	vm_flags_set(vma, VM_IO | VM_PFNMAP);
	/* In a machine whose memory is encrypted a device's is not. */
	vma->vm_page_prot = pgprot_decrypted(combine ? pgprot_writecombine(vma->vm_page_prot) :
						       pgprot_noncached(vma->vm_page_prot));
	vma->vm_private_data = (void *)(unsigned long)choice;
	vma->vm_ops = &bar_vm_ops;
	return 0;
}

/* With card->wait.lock held. */
static int find_slot_address(struct grabber_card *card, struct grabber_slot_address *args)
{
	int slot = args->slot;
	struct scatterlist *range;

	/* The bus addresses go with the card. */
	if (card->gone)
		return -ENODEV;
	if (slot >= card->buffer.nslots)
		return -EINVAL;
	slot = array_index_nospec(slot, card->buffer.nslots);
	if (args->flags & GRABBER_ADDRESS_QUEUED)
		slot = card->board->queued(card, slot);
	if (slot < 0)
		return slot;
	range = card->buffer.slots[slot].sgt.sgl;
	args->slot = slot;
	args->address = sg_dma_address(range);
	args->size = sg_dma_len(range);
	return 0;
}

static int slot_address(struct grabber_card *card, struct grabber_slot_address __user *user)
{
	struct grabber_slot_address args;
	int err;

	if (!card->board->queued)
		return -EOPNOTSUPP;
	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.flags & ~GRABBER_ADDRESS_QUEUED || args.slot >= GRABBER_RING_SLOTS_MAX)
		return -EINVAL;
	spin_lock_irq(&card->wait.lock);
	err = find_slot_address(card, &args);
	spin_unlock_irq(&card->wait.lock);
	if (err)
		return err;
	return copy_to_user(user, &args, sizeof(args)) ? -EFAULT : 0;
}

static long bar_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct grabber_file *file = filp->private_data;
	struct grabber_card *card = file->card;
	void __user *user = (void __user *)arg;
	int err;

	if (cmd == GRABBER_IOC_INFO || cmd == GRABBER_IOC_ENUM_BAR) {
		if (READ_ONCE(card->gone))
			return -ENODEV;
		return cmd == GRABBER_IOC_INFO ? grabber_put_info(file, user) :
						 grabber_enum_bar(file, user);
	}
	if (cmd != GRABBER_IOC_SLOT_ADDRESS && cmd != GRABBER_IOC_UNMASK_IRQ &&
	    cmd != GRABBER_IOC_GET_IRQS && cmd != GRABBER_IOC_SET_BAR)
		return -ENOTTY;
	err = locked_down();
	if (err)
		return err;
	switch (cmd) {
	case GRABBER_IOC_SET_BAR:
		return READ_ONCE(card->gone) ? -ENODEV : grabber_set_bar(file, user);
	case GRABBER_IOC_GET_IRQS:
		return grabber_get_irqs(file, user);
	case GRABBER_IOC_SLOT_ADDRESS:
		return slot_address(card, user);
	default:
		return filp->f_mode & FMODE_WRITE ? grabber_unmask_irq(file, user) : -EACCES;
	}
}

const struct file_operations grabber_bar_fops = {
	.owner = THIS_MODULE,
	.open = bar_open,
	.release = bar_release,
	.llseek = bar_llseek,
	.read = bar_read,
	.write = bar_write,
	.poll = bar_poll,
	.unlocked_ioctl = bar_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = bar_mmap,
};
