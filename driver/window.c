// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register window: when registers may be touched, and by whom. It is closed for
 * a while when the card is suspended or reset, and for good when the card goes.
 *
 * Programs do not see that it was closed for a while: a call or a page fault waits
 * until it is open again. The waiting ends in an error when the card is gone, or
 * could not be brought back.
 */
#include <linux/file.h>
#include <linux/mm.h>

#include "card.h"

/* What keeps those who wait from waiting longer. */
static bool is_settled(struct grabber_card *card)
{
	return READ_ONCE(card->window_open) || READ_ONCE(card->gone) || READ_ONCE(card->cut_off);
}

/* Nobody waits for a window that was never there. */
static bool may_open(struct grabber_card *card)
{
	return card->bar >= 0 && !READ_ONCE(card->gone) && !READ_ONCE(card->paused);
}

static void set_open(struct grabber_card *card, bool open)
{
	down_write(&card->window_lock);
	WRITE_ONCE(card->window_open, open);
	up_write(&card->window_lock);
}

/* The interrupt may be shared: its handler asks before it reads a register. */
static void set_away(struct grabber_card *card, bool away)
{
	spin_lock_irq(&card->wait.lock);
	card->away = away;
	spin_unlock_irq(&card->wait.lock);
	grabber_lines_away(card->function, away);
}

/**
 * grabber_window_close() - keep programs from the registers
 * @card: the card
 * @away: keep the interrupt handler from them, too
 *
 * Nobody is in the middle of an access when this returns, and mappings are revoked:
 * the next access faults.
 */
void grabber_window_close(struct grabber_card *card, bool away)
{
	struct grabber_file *file;

	set_open(card, false);
	if (away)
		set_away(card, true);
	/* Every mapping keeps its file open, so the list has them all. */
	mutex_lock(&card->files_lock);
	list_for_each_entry(file, &card->files, entry) {
		if (file->filp->f_op == &grabber_bar_fops)
			unmap_mapping_range(file->filp->f_mapping, 0, 0, 1);
	}
	mutex_unlock(&card->files_lock);
}

/**
 * grabber_window_open() - let them in again, unless something else keeps it closed
 * @card: the card
 */
void grabber_window_open(struct grabber_card *card)
{
	if (!may_open(card))
		return;
	set_away(card, false);
	set_open(card, true);
	grabber_window_wake(card);
}

/**
 * grabber_window_wake() - those who wait shall look again
 * @card: the card, which is gone or cut off, or whose window is open
 */
void grabber_window_wake(struct grabber_card *card)
{
	wake_up_all(&card->window_wait);
	wake_up_interruptible_all(&card->function->lines.wait);
}

/**
 * grabber_window_enter() - before an access to the registers
 * @card: the card
 * @nonblock: do not wait
 *
 * Return: 0, and then grabber_window_leave() must follow; -EAGAIN: the card is
 * suspended or being reset; -EIO: and could not be brought back; -ENODEV: it is gone;
 * -ERESTARTSYS.
 */
int grabber_window_enter(struct grabber_card *card, bool nonblock)
{
	for (;;) {
		down_read(&card->window_lock);
		if (card->window_open)
			return 0;
		up_read(&card->window_lock);
		if (READ_ONCE(card->gone))
			return -ENODEV;
		if (READ_ONCE(card->cut_off))
			return -EIO;
		if (nonblock)
			return -EAGAIN;
		if (wait_event_interruptible(card->window_wait, is_settled(card)))
			return -ERESTARTSYS;
	}
}

/**
 * grabber_window_leave() - after it
 * @card: the card
 */
void grabber_window_leave(struct grabber_card *card)
{
	up_read(&card->window_lock);
}

/**
 * grabber_window_fault() - a page fault in a mapping of the registers
 * @card: the card
 * @vmf: the fault
 * @bar: number of the BAR that is mapped
 *
 * Return: as fault handlers do. While the window is closed for a while, the fault is
 * tried again later; meanwhile mmap_lock is dropped, and signals are served.
 */
vm_fault_t grabber_window_fault(struct grabber_card *card, struct vm_fault *vmf, u32 bar)
{
	const struct grabber_window *window = &card->function->bars.windows[bar];
	struct file *filp = vmf->vma->vm_file;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	bool open;

	if (vmf->pgoff >= window->mmap_size >> PAGE_SHIFT ||
	    grabber_window_has_table(window, (u64)vmf->pgoff << PAGE_SHIFT, PAGE_SIZE))
		return VM_FAULT_SIGBUS;
	down_read(&card->window_lock);
	open = card->window_open;
	if (open)
		ret = vmf_insert_pfn(vmf->vma, vmf->address,
				     PHYS_PFN(window->start) + vmf->pgoff);
	up_read(&card->window_lock);
	if (open || READ_ONCE(card->gone) || READ_ONCE(card->cut_off))
		return ret;

	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	/* The file keeps the card, for the mapping may go from here on. */
	get_file(filp);
	mmap_read_unlock(vmf->vma->vm_mm);
	/* The kernel itself tries again at once, whatever signal is pending but SIGKILL. */
	if (vmf->flags & FAULT_FLAG_USER)
		wait_event_interruptible(card->window_wait, is_settled(card));
	else
		wait_event_killable(card->window_wait, is_settled(card));
	fput(filp);
	return VM_FAULT_RETRY;
}
