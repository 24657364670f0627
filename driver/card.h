/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The card: what the core knows of one frame grabber. A function (function.h) has one
 * or several, one for each of its DMA channels.
 *
 * Lifetime. The bus glue has the card created, and removes it when the device leaves.
 * Each open file keeps a reference to it, and with it the frame memory; the last of
 * them frees it, perhaps long after the device is gone. A mapping keeps its file
 * open. What belongs to the hardware (registers, interrupt, DMA mappings, the board's
 * own memory) ends in grabber_function_remove() and the devm unwinding after it; nobody
 * touches it afterwards, because:
 *
 * - @gone is set first, under @wait.lock: interrupts and slot queueing see it there;
 * - @mutex: starting, stopping and recovering see @gone there;
 * - @window_lock: register access and BAR page faults see @window_open there.
 *
 * Until then the hardware may be out of reach for a while (@paused, @away): suspended,
 * or reset after an error on the bus. Nobody touches it meanwhile either.
 *
 * Locks, in the order in which they may be taken:
 *
 *   grabber_file.read_mutex  one read() at a time on an open file
 *   mutex                    capture on or off: @users, @streaming, @paused
 *   growing (limit.c)        one buffer is exchanged for another at a time
 *   grabber_function.mutex   the function's way to memory, its resets; @unquiet
 *   files_lock               @files
 *   mmap_lock                (the kernel's; page faults hold it)
 *   window_lock              registers may be touched while it is read-locked
 *   lock of struct grabber_bars  which of them the kernel maps, and how programs do
 *   wait.lock                ring, board's queues, cursors, @gone; interrupts off
 *   lock of struct grabber_lines  what the user logic's interrupts do; interrupts off
 *   grabber_function.command_lock	the PCI command register; interrupts off
 *
 * Nobody has the same lock of two cards at a time.
 *
 * wait.lock is the lock of the queue that readers wait in: a frame needs it for the
 * ring and for the wake-up, and one lock does for both.
 *
 * User memory is never touched under mutex, files_lock, window_lock or wait.lock.
 */
#ifndef GRABBER_CARD_H
#define GRABBER_CARD_H

#include <linux/bitmap.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "board.h"
#include "buffer.h"
#include "function.h"
#include "ring.h"
#include "settings.h"

/**
 * struct grabber_minor - one of the two nodes
 * @dev: its device; the card is its driver data
 * @cdev: its character device
 */
struct grabber_minor {
	struct device *dev;
	struct cdev *cdev;
};

enum grabber_minor_kind {
	GRABBER_MINOR_FRAMES,
	GRABBER_MINOR_BAR,
	GRABBER_MINORS,
};

/**
 * struct grabber_card - one card
 * @ref: the bus glue, open files, and dma-bufs
 * @function: the function that it belongs to; referenced
 * @channel: which of its cards it is
 * @label: what messages about it begin with, where there are others
 * @dev: the device on its bus; referenced, so that messages have a name to the end
 * @board: its family
 * @board_data: what the board keeps
 * @number: the N of /dev/grabberN; -1 before it is registered
 * @bus_name: place on the bus
 * @settings: what a person wants of it; while it is probed
 * @name: what that person calls it, "" for nothing; under the lock of all numbers (minor.c)
 * @serial: serial number, 0 for none
 * @format: what a frame is
 * @framing: GRABBER_FRAMING_*: where one begins and ends
 * @free_format: only programs know what it holds
 * @loss_unseen: what the card itself loses cannot be seen
 * @contiguous: a slot must be one range of bus addresses
 * @queue_max: most slots that may be with the card, 0: any number
 * @slot_size_max: largest slot that can be expected here
 * @bar: number of the one that /dev/grabberN-bar shows at first; before it is
 *	registered -1 for the first memory BAR
 * @minors: the two nodes
 * @buffer: slot memory
 * @ring: who has which slot
 * @wait: readers that wait for a frame, or for room to hold one; its lock is the
 *	card's, see above
 * @wake: wakes those of them whom the interrupt has no time for (wake.c)
 * @mark: how far @wake came: stands in @wait while @waking
 * @waking: @wake is on its way through @wait
 * @wake_again: and has to go through it once more
 * @wake_events: what those wait for whom it wakes
 * @gone: the hardware is not there any more, or not ours
 * @running: the board may be given slots and frames are welcome; under @wait.lock
 * @mappings: mappings of the frame node; under @wait.lock
 * @mapped: how often it was mapped; under @wait.lock
 * @copying: calls of read() that copy a frame just now
 * @mutex: see above
 * @users: open files that want capture on
 * @line_users: open files that want interrupts of the user logic
 * @streaming: the board is started
 * @paused: GRABBER_PAUSE_* bits: what keeps capture off for a while
 * @broken: capture could not be started; whoever waits for frames is told so
 * @cut_off: its registers could not be brought back; whoever waits for them is told so
 * @stray: it was found at work, and may write to memory of whoever had it before
 * @unquiet: the card may still be writing, but for its closed way to memory (dma.c);
 *	under the function's mutex
 * @retry: how long to wait before the next attempt to start, in jiffies
 * @watchdog: looks for lost interrupts and a card that vanished
 * @recovery: restarts capture after an engine error
 * @absent: how often in a row the watchdog found the card absent
 * @interrupts: interrupts since the watchdog last looked
 * @failures: how often the pause before a restart was doubled; under @wait.lock, as
 *	the next five
 * @ailing: the engine needs to be started anew
 * @rest: sees what interrupts leave over
 * @put_off: the card's interrupt is masked while @rest is at work
 * @window_end: when @spent begins anew, in jiffies
 * @spent: nanoseconds that interrupts took since it began
 * @stamp: time of the last interrupt, where its handler is a thread
 * @window_lock: see above
 * @window_open: registers may be touched
 * @window_wait: who waits for that
 * @away: it may not be touched, for the interrupt handler; under @wait.lock
 * @files_lock: see above
 * @files: open files of both nodes
 * @readers: open files of the frame node
 */
struct grabber_card {
	struct kref ref;
	struct grabber_function *function;
	u32 channel;
	char label[16];
	struct device *dev;
	const struct grabber_board *board;
	void *board_data;
	int number;
	char bus_name[32];
	const struct grabber_settings *settings;
	char name[GRABBER_NAME_SIZE];
	u64 serial;
	struct grabber_format format;
	u32 framing;
	bool free_format;
	bool loss_unseen;
	bool contiguous;
	u32 queue_max;
	u32 slot_size_max;
	int bar;
	struct grabber_minor minors[GRABBER_MINORS];
	struct grabber_frame_buffer buffer;
	struct grabber_ring ring;

	wait_queue_head_t wait;
	struct work_struct wake;
	struct wait_queue_entry mark;
	bool waking;
	bool wake_again;
	__poll_t wake_events;
	bool gone;
	bool running;
	u32 mappings;
	u64 mapped;
	atomic_t copying;

	struct mutex mutex; /* capture on or off */
	u32 users;
	u32 line_users;
	bool streaming;
	u32 paused;
	bool broken;
	bool cut_off;
	bool stray;
	bool unquiet;
	unsigned long retry;
	u32 absent;
	struct delayed_work watchdog;
	struct delayed_work recovery;
	u32 interrupts;
	u32 failures;
	bool ailing;
	struct work_struct rest;
	bool put_off;
	unsigned long window_end;
	s64 spent;
	atomic64_t stamp;

	struct rw_semaphore window_lock;
	bool window_open;
	wait_queue_head_t window_wait;
	bool away;

	struct mutex files_lock; /* files, readers */
	struct list_head files;
	u32 readers;
};

/* Whether an open file wants frames. */
enum grabber_capture {
	GRABBER_CAPTURE_IDLE,	/* it did not say: its first read, poll or TAKE begins */
	GRABBER_CAPTURE_WANTED,
	GRABBER_CAPTURE_STOPPED,	/* it said STOP: only START begins again */
};

/* The calls that give a frame. */
enum grabber_want {
	GRABBER_WANT_READ,	/* needs no room to hold it */
	GRABBER_WANT_NEXT,	/* TAKE */
	GRABBER_WANT_NEWEST,	/* TAKE with GRABBER_TAKE_NEWEST */
};

/**
 * struct grabber_file - an open file of either node
 * @ref: the open file, and its dma-bufs
 * @card: the card; referenced
 * @filp: the file, while it is open
 * @entry: in card->files, while it is open
 * @capture: counted in card->users while wanted; under card->mutex
 * @cursor: ordinal of the next frame for this reader; under card->wait.lock, as the
 *	rest
 * @end: while it is stopped, the first frame that it will not get
 * @held: bit for each slot that the reader holds by TAKE
 * @holding: how many these are
 * @exporting: dma-bufs that were made of the reader's slots, and are still there. They
 *	count in its share (grabber_share_used()): else one reader could fill the ring by them
 * @want: the call by which it last asked for a frame: poll() tells whether that call
 *	would succeed
 * @delivered_total: frames it was given
 * @missed_total: frames overwritten before it came
 * @lines_seen: counts of interrupts that it was told of; under the lock of struct
 *	grabber_lines, as the next one
 * @lines_asked: the lines that it last asked about
 * @interrupts: it has let a line through: counted in card->line_users while so; under
 *	card->mutex
 * @choice: BAR that the register node shows by this file, perhaps with
 *	GRABBER_CHOICE_COMBINE
 * @read_mutex: one read() at a time
 * @read_slot: slot of the frame that read() is in the middle of, -1 for none
 * @read_ordinal: that frame
 * @read_offset: bytes of it that were read
 */
struct grabber_file {
	struct kref ref;
	struct grabber_card *card;
	struct file *filp;
	struct list_head entry;
	enum grabber_capture capture;
	u64 cursor;
	u64 end;
	DECLARE_BITMAP(held, GRABBER_RING_SLOTS_MAX);
	u32 holding;
	u32 exporting;
	enum grabber_want want;
	u64 delivered_total;
	u64 missed_total;
	u64 lines_seen[GRABBER_IRQ_LINES];
	u32 lines_asked;
	bool interrupts;
	u32 choice;
	struct mutex read_mutex; /* one read() at a time */
	int read_slot;
	u64 read_ordinal;
	u32 read_offset;
};

/* With the number of a BAR in grabber_file.choice: mappings are write-combining. */
#define GRABBER_CHOICE_COMBINE	0x100

static inline u32 grabber_choice_bar(u32 choice)
{
	return choice & ~GRABBER_CHOICE_COMBINE;
}

/* card.c */
struct grabber_card *grabber_card_create(struct grabber_function *function, u32 channel);
int grabber_card_register(struct grabber_card *card, u32 nslots);
void grabber_card_gone(struct grabber_card *card);
void grabber_card_retire(struct grabber_card *card);
void grabber_card_settle(struct grabber_card *card);
void grabber_card_get(struct grabber_card *card);
void grabber_card_put(struct grabber_card *card);
void grabber_info_fill(struct grabber_card *card, u32 bar, struct grabber_info *info);

/* minor.c */
int grabber_minors_init(void);
void grabber_minors_exit(void);
int grabber_minors_add(struct grabber_card *card);
void grabber_minors_del(struct grabber_card *card);
struct grabber_file *grabber_file_open(struct inode *inode, struct file *filp);
void grabber_file_close(struct grabber_file *file);
void grabber_file_put(struct grabber_file *file);

/* format.c */
void grabber_format_default(struct grabber_card *card);
void grabber_format_wish(struct grabber_card *card);
int grabber_put_format(struct grabber_card *card, struct grabber_format __user *user);
int grabber_set_format(struct grabber_card *card, struct grabber_format __user *user);
int grabber_enum_format(struct grabber_card *card, struct grabber_format_choice __user *user);

/* memory.c */
int grabber_memory_init(struct grabber_card *card, u32 nslots);
void grabber_memory_free(struct grabber_card *card);
int grabber_put_buffer(struct grabber_card *card, struct grabber_buffer __user *user);
int grabber_set_buffer(struct grabber_card *card, struct grabber_buffer __user *user);

/* dma.c */
int grabber_dma_open(struct grabber_card *card);
void grabber_dma_close(struct grabber_card *card, bool quiet);
int grabber_dma_open_interrupts(struct grabber_card *card);
void grabber_dma_close_interrupts(struct grabber_card *card);
void grabber_dma_shut(struct grabber_function *function);
void grabber_dma_found(struct grabber_card *card);
int grabber_dma_settle(struct grabber_card *card, bool locked);

/* bar_choice.c */
int grabber_enum_bar(struct grabber_file *file, struct grabber_bar __user *user);
int grabber_set_bar(struct grabber_file *file, struct grabber_bar __user *user);

/* lines.c, beside what is in lines.h */
void grabber_lines_open(struct grabber_file *file);
bool grabber_lines_ready(struct grabber_file *file);
int grabber_get_irqs(struct grabber_file *file, struct grabber_irqs __user *user);
int grabber_unmask_irq(struct grabber_file *file, const __u32 __user *user);

/* window.c */
void grabber_window_close(struct grabber_card *card, bool away);
void grabber_window_open(struct grabber_card *card);
void grabber_window_wake(struct grabber_card *card);
int grabber_window_enter(struct grabber_card *card, bool nonblock);
void grabber_window_leave(struct grabber_card *card);
vm_fault_t grabber_window_fault(struct grabber_card *card, struct vm_fault *vmf, u32 bar);

/* stream.c */
void grabber_stream_init(struct grabber_card *card);
int grabber_capture_begin(struct grabber_file *file, bool poll);
void grabber_capture_unwant(struct grabber_file *file);
int grabber_interrupts_want(struct grabber_file *file);
void grabber_interrupts_unwant(struct grabber_file *file);
void grabber_card_pause(struct grabber_card *card, enum grabber_pause why);
void grabber_card_resume(struct grabber_card *card, u32 why);
void grabber_card_broke(struct grabber_card *card, const char *how);
void grabber_stream_end(struct grabber_card *card);
void grabber_stream_cancel(struct grabber_card *card);
void grabber_card_feed(struct grabber_card *card);
void grabber_slot_release(struct grabber_file *file, u32 slot, u32 *count);

/* interrupt.c */
/* For what goes on after an interrupt. Its threads are scheduled as programs are. */
extern struct workqueue_struct *grabber_workqueue;
int grabber_interrupts_init(void);
void grabber_interrupts_exit(void);
void grabber_interrupt_prepare(struct grabber_card *card);
void grabber_card_look(struct grabber_card *card);
irqreturn_t grabber_card_interrupt(int irq, void *data);
irqreturn_t grabber_card_line(int irq, void *data);
irqreturn_t grabber_function_interrupt(int irq, void *data);
irqreturn_t grabber_card_stamp(int irq, void *data);
irqreturn_t grabber_card_stamped(int irq, void *data);

/* A call that wants frames begins capture, unless its file has said START or STOP before. */
static inline int grabber_capture_want(struct grabber_file *file, bool poll)
{
	return READ_ONCE(file->capture) == GRABBER_CAPTURE_IDLE ?
	       grabber_capture_begin(file, poll) : 0;
}

/* Whether a reader has all that it may have of the ring, in its hands or as dma-bufs. */
static inline bool grabber_share_used(const struct grabber_file *file)
{
	return READ_ONCE(file->holding) + READ_ONCE(file->exporting) >=
	       READ_ONCE(file->card->ring.hold_max);
}

/* wake.c */
void grabber_wake_init(struct grabber_card *card);
void grabber_wake(struct grabber_card *card, __poll_t events);
void grabber_wake_all(struct grabber_card *card);

/* export.c, where the kernel has dma-bufs */
#ifdef CONFIG_DMA_SHARED_BUFFER
int grabber_export_slot(struct grabber_file *file, struct grabber_export __user *user);
#else
static inline int grabber_export_slot(struct grabber_file *file,
				      struct grabber_export __user *user)
{
	return -EOPNOTSUPP;
}
#endif

/* sysfs.c */
extern const struct attribute_group *grabber_frame_groups[];
extern const struct attribute_group *grabber_bar_groups[];

/* wait.c */
int grabber_frame_left(struct grabber_file *file, bool newest);
bool grabber_frame_ready(struct grabber_file *file, enum grabber_want want);
int grabber_frame_wait(struct grabber_file *file, enum grabber_want want, s64 timeout_ns,
		       ktime_t *end);

/* The slot of the next frame that a reader may have, -1: none; card->wait.lock is held */
static inline int grabber_frame_find(struct grabber_file *file, bool newest)
{
	if (file->capture == GRABBER_CAPTURE_STOPPED)
		return grabber_frame_left(file, newest);
	return grabber_ring_find(&file->card->ring, file->cursor, newest);
}

/* frame_node.c, frame_ioctl.c, frame_mmap.c, bar_node.c */
extern const struct file_operations grabber_frame_fops;
extern const struct file_operations grabber_bar_fops;
long grabber_frame_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
int grabber_frame_mmap(struct file *filp, struct vm_area_struct *vma);
int grabber_frame_take(struct grabber_file *file, bool newest, struct grabber_take *take);
int grabber_vma_check(struct vm_area_struct *vma, u64 size);
int grabber_vma_insert(struct vm_area_struct *vma, unsigned long at, struct page **pages,
		       unsigned long count);
int grabber_put_info(struct grabber_file *file, void __user *to);

#endif /* GRABBER_CARD_H */
