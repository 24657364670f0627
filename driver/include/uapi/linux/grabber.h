/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * grabber: the contract between the frame-grabber driver and its programs.
 *
 * Every card has two nodes. /dev/grabberN is the frame buffer, and
 * /dev/grabberN-bar the register window. Which region mmap() maps is decided
 * by the node that was opened: offset 0 is always the start of its region.
 *
 * All structures have fixed-size members and no hidden padding, so a 32-bit
 * program works unchanged on a 64-bit kernel. Reserved members must be zero on
 * the way in and are zero on the way out; anything else is EINVAL.
 */
#ifndef _UAPI_LINUX_GRABBER_H
#define _UAPI_LINUX_GRABBER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Raised when a program built for the older number could go wrong. */
#define GRABBER_ABI_VERSION	1

/**
 * struct grabber_info - what a node belongs to (GRABBER_IOC_INFO, both nodes)
 * @abi_version: GRABBER_ABI_VERSION of the running driver
 * @card: the N of /dev/grabberN
 * @driver: version of the driver, a string
 * @board: board family: "xdma", "edu", "generic" ..., a string
 * @bus: the card's place on its bus, such as "0000:01:00.0", a string
 * @serial: the card's serial number, 0 where it has none
 * @bar_size: bytes of the register window that pread/pwrite reach. On the register node
 *	this and the next two are of the BAR that the file shows (GRABBER_IOC_SET_BAR)
 * @bar_mmap_size: bytes of it that can be mapped; 0 where the BAR is smaller
 *	than a page or shares its page with another (use pread/pwrite)
 * @bar_index: PCI BAR number of the window
 * @flags: GRABBER_INFO_* bits
 * @channel: which DMA channel of the card's function this is: 0, 1, 2 ... Each is a card
 *	of its own here, with two nodes; what they have in common is @bus, and registers
 * @channels: how many channels that function has; 1 for most cards
 * @framing: GRABBER_FRAMING_*: where frames begin and end
 * @slot_size_max: the largest @slot_size that SET_BUFFER can be expected to give. It is
 *	less than 64 MiB where the card needs a slot in one piece, and no IOMMU makes one
 *	of its pages; such memory may be short even below it
 * @irq_lines: interrupt lines of its user logic (struct grabber_irqs), 0 for none
 * @reserved: zero
 */
struct grabber_info {
	__u32 abi_version;
	__u32 card;
	char driver[16];
	char board[16];
	char bus[32];
	__u64 serial;
	__u64 bar_size;
	__u64 bar_mmap_size;
	__u32 bar_index;
	__u32 flags;
	__u32 channel;
	__u32 channels;
	__u32 framing;
	__u32 slot_size_max;
	__u32 irq_lines;
	__u32 reserved[3];
};

#define GRABBER_INFO_STREAMING		0x1 /* frames are being captured */
#define GRABBER_INFO_BAR_PREFETCHABLE	0x2 /* reads have no side effect */
/* What the card itself lost cannot be seen: lost_by_card is 0, whatever it lost. What the
 * driver lost is counted as ever.
 */
#define GRABBER_INFO_LOSS_UNSEEN	0x4

/* Where frames begin and end. */
#define GRABBER_FRAMING_CARD	0 /* the card says it, and numbers them */
/* A packet of the stream (tlast ends it) is a frame, of any length up to the slot's. The
 * first one after a start, or after an engine error, may be the rest of one that began
 * before.
 */
#define GRABBER_FRAMING_PACKET	1
/* A frame is a slot full: the stream is cut into such pieces, and frames that follow each
 * other are consecutive bytes of it. One that is GRABBER_FRAME_SHORT is what came before
 * capture stopped, and the next has GRABBER_FRAME_DISCONTINUITY.
 */
#define GRABBER_FRAMING_SLOT	2

/**
 * struct grabber_format - what a frame holds (GRABBER_IOC_GET_FORMAT,
 *	GRABBER_IOC_SET_FORMAT)
 * @width: pixels a line
 * @height: lines a frame
 * @pixelformat: V4L2 FourCC code, see linux/videodev2.h; V4L2_PIX_FMT_RGB24
 *	is 'RGB3', V4L2_PIX_FMT_GREY 'GREY'; 0 where the driver cannot know
 * @bytesperline: bytes from one line's start to the next one's
 * @sizeimage: bytes of a whole frame
 * @reserved: zero
 *
 * SET_FORMAT returns what was set, which may be corrected to what the card can do.
 * A card that has one format takes just that. Where frames are slots full
 * (GRABBER_FRAMING_SLOT), @sizeimage is always a slot's size.
 *
 * Errors of SET_FORMAT, all of which change nothing: EACCES: the file was opened
 * read-only, and what this changes, it changes for all readers; EBUSY: capture is on;
 * EINVAL: not what the card can do, or a frame would not fit a slot (see SET_BUFFER).
 */
struct grabber_format {
	__u32 width;
	__u32 height;
	__u32 pixelformat;
	__u32 bytesperline;
	__u32 sizeimage;
	__u32 reserved[3];
};

/**
 * struct grabber_format_choice - a format that can be set (GRABBER_IOC_ENUM_FORMAT)
 * @index: in: 0, 1, 2 ...
 * @flags: in: 0; out: GRABBER_FORMAT_* bits
 * @format: in: zero; out: the format
 *
 * Errors: EINVAL: no such index; ask with rising numbers until that comes.
 */
struct grabber_format_choice {
	__u32 index;
	__u32 flags;
	struct grabber_format format;
};

#define GRABBER_FORMAT_FREE	0x1 /* an example: other formats may be set as well */

/**
 * struct grabber_buffer - layout of the frame mapping (GRABBER_IOC_GET_BUFFER,
 *	GRABBER_IOC_SET_BUFFER)
 * @slots: number of frame slots
 * @slot_size: bytes a frame can have at most. Where that is no multiple of 64, a card
 *	may write on up to the next one, within the slot's last page
 * @stride: bytes from one slot's start to the next one's, whole pages
 * @mmap_size: bytes of the whole mapping: all slots, then the status page
 * @hold_max: slots that one open file may hold at a time, by TAKE and as dma-bufs; and
 *	slots that may be dma-bufs, of all files together
 * @status_size: bytes of the status page, whole pages
 * @status_offset: where it starts in the mapping (struct grabber_status)
 * @hold_total: slots that all open files together may hold. It is @slots - 3: one slot
 *	is left to the card, one to the newest frame and one to read(). Where it is more
 *	than 1, @hold_max is one less, so that one open file leaves another one a place
 * @reserved: zero
 *
 * Slot i starts at byte i * @stride of the mapping. A mapping of slots alone, from 0
 * to @status_offset at most, may be writable where the file was opened for writing;
 * one that reaches into the status page may not, at once or later: EACCES.
 *
 * SET_BUFFER asks for another number of slots, 2 to 1024, and another @slot_size, up
 * to 64 MiB; 0: as many as now, and what a frame needs. All other members must be 0,
 * and all are filled in for what there is then. Frames that were in the buffer are
 * gone. The buffer is a setting of the card: it stays until the next SET_BUFFER, or
 * until the card or the driver goes. With 2 slots none can be held: such a buffer is for
 * readers by the status page. With 3 one can be held, and a read() of a part of a frame
 * may then lose it. Asked for what there is, it keeps the memory, unless a program has
 * pinned a part of it.
 *
 * Errors of SET_BUFFER, all of which change nothing: EACCES: the file was opened read-
 * only; EBUSY: capture is on, or the buffer is mapped, or a slot is held, or a read()
 * copies from one just now, or the card may still be writing to the old buffer, and cannot
 * be reset while other channels of it capture, or while its device is locked, as it is for
 * a moment when it is reset or bound; EINVAL: out of range: also slots smaller than a
 * frame of a card that cannot cut frames off, and, of one that can, than a 64th of a frame
 * or 4096 bytes, whichever is more (where packets are frames, than 4096 bytes); where
 * frames are slots full, slots that are smaller than 4096 bytes or than the format's
 * lines, or no multiple of 64; EPERM: larger than the buffer there is, and more than a
 * program without CAP_SYS_RESOURCE may have: module parameters memory= and memory_all=, by
 * default an eighth of the memory for a card and a quarter for all cards; ENOMEM: no such
 * memory that the card can reach, or that the program's control group may have; EINTR: the
 * program is being killed; EIO: the card may still be writing to the old buffer, and could
 * not be reset.
 *
 * A card of board "generic" that was started since is reset by SET_BUFFER, for it was
 * told of the old buffer's addresses: set its registers afterwards.
 */
struct grabber_buffer {
	__u32 slots;
	__u32 slot_size;
	__u64 stride;
	__u64 mmap_size;
	__u32 hold_max;
	__u32 status_size;
	__u64 status_offset;
	__u32 hold_total;
	__u32 reserved;
};

/**
 * struct grabber_status_slot - what the status page says of one slot
 * @generation: odd while the card may write the slot, even while it has a frame.
 *	Whoever finds the same even number before and after looking at a frame has
 *	looked at one whole frame
 * @frame: number of the frame, lost ones not counted: 0, 1, 2 ...
 * @sequence: number of the frame, lost ones counted; as in struct grabber_take
 * @timestamp_ns: when the frame was known to be complete; as in struct grabber_take
 * @bytes: bytes of the frame
 * @frame_flags: GRABBER_FRAME_* bits
 * @reserved: zero
 */
struct grabber_status_slot {
	__u64 generation;
	__u64 frame;
	__u64 sequence;
	__u64 timestamp_ns;
	__u32 bytes;
	__u32 frame_flags;
	__u64 reserved[3];
};

/**
 * struct grabber_status - the head of the status page
 * @abi_version: GRABBER_ABI_VERSION of the running driver
 * @slots: number of slots
 * @entries_offset: where the entries of the slots start, bytes from the head:
 *	struct grabber_status_slot for slot 0, 1, 2 ...
 * @order_offset: where the order of frames starts, bytes from the head: a __u32
 *	for each slot. Frame n is in slot order[n % slots], if it is still there:
 *	then that slot's entry has n for its @frame
 * @frames: frames that came into the buffer; the newest is frame @frames - 1
 * @begun: as the next six, what struct grabber_stats says. They are written one
 *	after the other: for a sum that fits at any moment ask GRABBER_IOC_GET_STATS
 * @delivered: see struct grabber_stats
 * @truncated: see struct grabber_stats
 * @dropped_no_slot: see struct grabber_stats
 * @dropped_error: see struct grabber_stats
 * @dropped_stop: see struct grabber_stats
 * @lost_by_card: see struct grabber_stats
 * @flags: GRABBER_STATUS_* bits
 * @reserved1: zero
 * @stalls: see struct grabber_stats
 * @reserved: zero
 *
 * The driver writes it and never reads it. Nobody else can: a mapping that reaches
 * into it is read-only (see &struct grabber_buffer). To read frames with no system
 * call: wait until @frames is above the number of the frame that comes next
 * (acquire), look its slot up in the order, see that its entry's @generation is
 * even and its @frame the wanted one, look at the frame, and see that @generation
 * is still the same (acquire fence before). tools/include/grabber.h does that.
 */
struct grabber_status {
	__u32 abi_version;
	__u32 slots;
	__u32 entries_offset;
	__u32 order_offset;
	__u64 frames;
	__u64 begun;
	__u64 delivered;
	__u64 truncated;
	__u64 dropped_no_slot;
	__u64 dropped_error;
	__u64 dropped_stop;
	__u64 lost_by_card;
	__u32 flags;
	__u32 reserved1;
	__u64 stalls;
	__u32 reserved[8];
};

#define GRABBER_STATUS_STREAMING	0x1 /* frames are being captured */
#define GRABBER_STATUS_GONE		0x2 /* the card is gone: no more frames */

/**
 * struct grabber_take - take the next frame and hold its slot (GRABBER_IOC_TAKE)
 * @flags: in: GRABBER_TAKE_* bits
 * @slot: in: with GRABBER_TAKE_GIVE a slot that this file holds; else ignored.
 *	out: slot that holds the frame; the card leaves it alone until
 *	GRABBER_IOC_GIVE, or until the file is closed
 * @timeout_ns: in: longest wait in nanoseconds; 0: do not wait, negative: no
 *	limit. O_NONBLOCK on the file has the effect of 0
 * @sequence: out: number of the frame. Every frame that the card began has one,
 *	lost ones too, so a jump says how many were lost on the way here
 * @timestamp_ns: out: CLOCK_MONOTONIC when the frame was known to be complete, never
 *	before it was: the time of the interrupt that told of it. A frame that was found
 *	together with one before it, after a lost interrupt, or by a line interrupt has
 *	the time at which it was found. Never less than that of the frame before
 * @missed: out: frames that were in the buffer, but were overwritten before
 *	this reader came for them, or passed over by GRABBER_TAKE_NEWEST;
 *	counted since its last take or read
 * @offset: out: where the frame starts in the mapping, bytes
 * @bytes: out: bytes of the frame
 * @frame_flags: out: GRABBER_FRAME_* bits
 * @deadline_ns: 0; after EINTR CLOCK_MONOTONIC when the wait is over
 *
 * Errors: EAGAIN: no frame, and no wait was asked for; ETIMEDOUT: none within
 * the timeout; EBUSY: this file holds as many slots as it may (at once), or it did so with
 * its dma-bufs, or all files together did, until the timeout (see &struct grabber_buffer
 * @hold_max and @hold_total); ECANCELED: this file said STOP, and has all frames from
 * before; EINTR: a signal handler ran, see below; ENODEV: the card is gone, and no
 * frame is left from before; EIO: the card could not be started, or not again after an
 * error or a reset; EINVAL: unknown flags, or @slot is not held by this file. All but
 * EINVAL, and EFAULT for a structure that cannot be read, come after the slot of
 * GRABBER_TAKE_GIVE was given back.
 *
 * A signal without a handler, such as SIGSTOP and SIGCONT, or one with SA_RESTART, does
 * not end the call. After EINTR the structure has GRABBER_TAKE_RESTARTED and
 * @deadline_ns set: given to TAKE as it is, it has the call go on. The slot of
 * GRABBER_TAKE_GIVE is not given back twice, and the time limit is that of the first
 * call. For a new call set @flags, and @deadline_ns to 0.
 *
 * read() gives the same frames as a byte stream, from the same cursor. It goes on in
 * the middle of a frame where the last one stopped, and never beyond the frame's
 * end. It holds no slot, so it does not depend on what others hold. In return the card
 * may take a frame that a read() is in the middle of, but only when it has no other
 * slot: ESTALE says that the rest of a frame will not come; the next read() begins the
 * next frame. Otherwise its errors are those of TAKE without EBUSY.
 *
 * poll() says POLLIN when the call by which this file last asked for a frame, TAKE or
 * read(), would give it one; POLLERR and POLLHUP when the card is gone; POLLERR alone
 * when the card could not be started, or after STOP when there are no more frames.
 */
struct grabber_take {
	__u32 flags;
	__u32 slot;
	__s64 timeout_ns;
	__u64 sequence;
	__u64 timestamp_ns;
	__u64 missed;
	__u64 offset;
	__u32 bytes;
	__u32 frame_flags;
	__s64 deadline_ns;
};

#define GRABBER_TAKE_NEWEST	0x1 /* skip to the newest frame there is */
#define GRABBER_TAKE_GIVE	0x2 /* first give @slot back, as GRABBER_IOC_GIVE does */
#define GRABBER_TAKE_RESTARTED	0x80000000 /* set by the driver: a signal interrupted the call */

#define GRABBER_FRAME_TRUNCATED		0x1 /* longer than its slot: the rest was dropped */
/* fewer bytes than sizeimage; not said where packets are frames, for these have any length */
#define GRABBER_FRAME_SHORT		0x2
#define GRABBER_FRAME_DISCONTINUITY	0x4 /* frames were lost before it, or capture restarted */

/**
 * struct grabber_give - give a held slot back (GRABBER_IOC_GIVE)
 * @slot: slot that GRABBER_IOC_TAKE returned
 * @flags: zero
 *
 * Errors: EINVAL: this file does not hold that slot.
 */
struct grabber_give {
	__u32 slot;
	__u32 flags;
};

/**
 * struct grabber_export - a held slot as a dma-buf (GRABBER_IOC_EXPORT)
 * @slot: in: slot that this file holds
 * @flags: in: O_CLOEXEC and one of O_RDONLY, O_RDWR, of the new descriptor; else 0
 * @fd: out: the dma-buf's file descriptor
 * @reserved: zero
 *
 * The dma-buf has the size of a slot in whole pages, offers mmap, vmap and
 * DMA_BUF_IOCTL_SYNC, and holds the slot until its last user closes it: GIVE before
 * that is fine. While it is there it counts as one of the slots that this file may hold
 * (hold_max of &struct grabber_buffer), beside a TAKE of the same slot that was not given
 * back yet. All dma-bufs together, also of files that were closed, have hold_max slots at
 * most: where more than one slot may be held, one is always left for a TAKE.
 *
 * Errors: EINVAL: not held by this file, unknown flags; EBUSY: hold_max other slots are
 * dma-bufs: close one; EACCES: O_RDWR of a file that
 * was opened read-only, or any of one opened write-only; EMFILE, ENFILE, ENOMEM;
 * EOPNOTSUPP: the kernel was built without dma-bufs (CONFIG_DMA_SHARED_BUFFER).
 */
struct grabber_export {
	__u32 slot;
	__u32 flags;
	__s32 fd;
	__u32 reserved[5];
};

/**
 * struct grabber_seek - say which frame comes next (GRABBER_IOC_SEEK)
 * @frame: number of the frame that this reader wants next, as in the status page;
 *	not smaller than the last one it gave or was given
 * @missed: of the frames passed over, how many it did not get
 *
 * For readers by the status page, before they wait by poll, read or take: the
 * driver does not see what they read. Frames passed over count as delivered to this
 * reader, but for @missed.
 *
 * Errors: EINVAL: @frame lies back, or beyond the next frame to come; @missed is
 * more than was passed over.
 */
struct grabber_seek {
	__u64 frame;
	__u64 missed;
};

/**
 * struct grabber_stats - every frame the card began (GRABBER_IOC_GET_STATS)
 * @begun: frames the card began since the driver found it: the sum of the
 *	next six. Where the card's own count makes no sense (it was reset while it ran)
 *	nothing is added for that; the next frame has GRABBER_FRAME_DISCONTINUITY, and
 *	the kernel log one line
 * @delivered: whole frames put into the buffer
 * @truncated: put into the buffer, but longer than a slot (flagged)
 * @dropped_no_slot: dropped because no slot was free when the card needed one
 * @dropped_error: dropped for a DMA or engine error
 * @dropped_stop: begun, but unfinished when capture was stopped, or the card left
 * @lost_by_card: the card itself skipped them (its frame number jumped), also while
 *	capture was off
 * @reader_delivered: frames this open file was given
 * @reader_missed: frames overwritten before this open file came for them
 * @reader_next: number of the frame that comes next for this open file, as in the
 *	status page; a reader by that page starts there
 * @held: slots held now by all readers
 * @readers: open files of the frame node
 * @stalls: how often the card had filled every slot that it had, and took nothing more
 *	of its stream until it got another. What the stream's source did meanwhile, wait
 *	or lose, only that knows. Counted by board "xdma", and 0 elsewhere
 * @reserved: zero
 */
struct grabber_stats {
	__u64 begun;
	__u64 delivered;
	__u64 truncated;
	__u64 dropped_no_slot;
	__u64 dropped_error;
	__u64 dropped_stop;
	__u64 lost_by_card;
	__u64 reader_delivered;
	__u64 reader_missed;
	__u64 reader_next;
	__u32 held;
	__u32 readers;
	__u64 stalls;
	__u32 reserved[4];
};

/**
 * struct grabber_bar - a memory BAR of the card (GRABBER_IOC_ENUM_BAR, both nodes;
 *	GRABBER_IOC_SET_BAR, register node only)
 * @bar: in: its number, 0 to 5; ENUM: the lowest number to tell of.
 *	out: its number
 * @flags: in: ENUM: 0; SET: GRABBER_BAR_WRITE_COMBINING or 0. out: GRABBER_BAR_* bits
 * @size: in: 0; out: bytes that pread and pwrite reach
 * @mmap_size: in: 0; out: bytes that can be mapped, 0 for none
 * @reserved: zero
 *
 * ENUM tells of the BAR with this number, or else of the next one: ask with one more
 * than the last @bar until EINVAL comes.
 *
 * SET has this file show another BAR: to pread, pwrite, lseek and INFO from now on, and
 * in mappings that are made from now on. Those that there are stay what they are. Other
 * files do not see it; a file that is opened shows the card's default. The driver keeps
 * the BAR of a DMA engine that it drives to itself.
 *
 * With GRABBER_BAR_WRITE_COMBINING mappings are write-combining, not uncached: writes
 * may be put together and reordered, and reads done before they are asked for. As long
 * as there is such a mapping of a BAR, nobody can map it uncached, nor the other way
 * round: mmap is EBUSY then. Where the processor cannot do it, mappings are uncached.
 *
 * The MSI-X table is the kernel's: pread and pwrite there are EACCES, and its pages in
 * a mapping SIGBUS.
 *
 * Errors of SET, all of which change nothing: EINVAL: no such memory BAR, unknown flags,
 * or write-combining of a BAR that is not prefetchable; EACCES: it is the driver's;
 * EBUSY: write-combining of a BAR in which the driver uses registers.
 */
struct grabber_bar {
	__u32 bar;
	__u32 flags;
	__u64 size;
	__u64 mmap_size;
	__u32 reserved[2];
};

#define GRABBER_BAR_PREFETCHABLE	0x1 /* reads have no side effect */
#define GRABBER_BAR_64BIT		0x2 /* it may lie above 4 GiB */
#define GRABBER_BAR_REACHABLE		0x4 /* it is not the driver's: SET takes it */
#define GRABBER_BAR_DEFAULT		0x8 /* what a file shows that is just opened */
#define GRABBER_BAR_CHOSEN		0x10 /* what this file shows */
#define GRABBER_BAR_WRITE_COMBINING	0x20 /* and maps in that way */

#define GRABBER_IRQ_LINES	16	/* most that a card has */

/**
 * struct grabber_irqs - interrupts of the card's user logic (GRABBER_IOC_GET_IRQS,
 *	register node only)
 * @lines: in: a bit for each line to ask about, 0: all. out: those that interrupted
 *	since this file last asked about them
 * @reserved: 0
 * @count: out: how often each did; 0 for lines that were not asked about
 *
 * Never waits. poll() says POLLIN when a line has interrupted that this file last asked
 * about, or at first any line, and the file was not told of it; POLLERR and POLLHUP when
 * the card is gone; POLLERR alone when it could not be brought back after a reset. Each
 * file is told of each interrupt once, from the file's open() on, whoever else is told.
 *
 * User logic belongs to the PCI function: the register nodes of all its channels tell the
 * same.
 *
 * A line is a level: the user logic holds it up until it is told by a register of its
 * own. The driver masks a line as soon as it interrupts, and at first all are masked.
 * GRABBER_IOC_UNMASK_IRQ lets the next interrupt of each line through whose bit is set.
 * So: tell the user logic, read a register of it, for a write may take its time, and
 * unmask. A line that is up when it is unmasked interrupts at once, and is counted again:
 * it may have risen anew. What is unmasked stays so until it interrupts, also over
 * resets. All of this is the same for all files: let one program tell the user logic and
 * unmask, and any number listen.
 *
 * Board "xdma" has the 16 lines of its core (usr_irq_req). Board "generic" has one,
 * which is the card's interrupt; it is not masked at first, and by messages (MSI, MSI-X)
 * it comes whether it was unmasked or not. There UNMASK_IRQ still has a use: messages
 * need the card's way to memory, which is open while it captures, and from the first
 * UNMASK_IRQ of a file until that file is closed.
 *
 * Errors: EINVAL: no such line; of UNMASK_IRQ also: no line at all; EOPNOTSUPP: the card
 * has none; of UNMASK_IRQ also: EACCES: the file was opened read-only; EAGAIN:
 * O_NONBLOCK, and the card is suspended or being reset; EIO: it did not come back, or it
 * was at work when it was found, and would write to memory of others; ENODEV: it is gone;
 * EINTR.
 */
struct grabber_irqs {
	__u32 lines;
	__u32 reserved;
	__u64 count[GRABBER_IRQ_LINES];
};

/**
 * struct grabber_slot_address - where the card writes a slot
 *	(GRABBER_IOC_SLOT_ADDRESS, register node only)
 * @slot: in: slot number, or with GRABBER_ADDRESS_QUEUED a place in the queue of
 *	slots that the card has: 0 is the one that its next interrupt completes.
 *	out: slot number
 * @flags: in: GRABBER_ADDRESS_QUEUED or 0
 * @address: out: bus address, to be put into the card's registers
 * @size: out: contiguous bytes at that address
 *
 * For boards that are programmed by a user program (board "generic").
 * Errors: EINVAL: no such slot; EAGAIN: no slot stands at that place of the queue
 * (none does until capture is started); EOPNOTSUPP: this board's driver programs
 * the card itself.
 */
struct grabber_slot_address {
	__u32 slot;
	__u32 flags;
	__u64 address;
	__u64 size;
};

#define GRABBER_ADDRESS_QUEUED	0x1 /* @slot is a place in the queue */

/*
 * 0xBE is free in the kernel's Documentation/userspace-api/ioctl/ioctl-number.rst.
 * The first group works on both nodes, the second on /dev/grabberN and the
 * third on /dev/grabberN-bar; ENOTTY otherwise. While the kernel is locked down
 * (kernel_lockdown(7)), /dev/grabberN-bar is closed: EPERM for open, mmap, pread,
 * pwrite and the third group, SIGBUS for the first access to a page that was mapped
 * before; registers in pages that were accessed before stay within reach.
 */
#define GRABBER_IOC_MAGIC	0xBE

#define GRABBER_IOC_INFO	_IOR(GRABBER_IOC_MAGIC, 0x00, struct grabber_info)
#define GRABBER_IOC_ENUM_BAR	_IOWR(GRABBER_IOC_MAGIC, 0x01, struct grabber_bar)

#define GRABBER_IOC_GET_FORMAT	_IOR(GRABBER_IOC_MAGIC, 0x10, struct grabber_format)
#define GRABBER_IOC_GET_BUFFER	_IOR(GRABBER_IOC_MAGIC, 0x11, struct grabber_buffer)
#define GRABBER_IOC_GET_STATS	_IOR(GRABBER_IOC_MAGIC, 0x12, struct grabber_stats)
/* Capture runs while any open file wants it: asked for by START, or by the
 * first read, poll or take; given up by STOP or close. STOP ends what other threads
 * wait for on the same file (ECANCELED). The frames that are in the buffer then can
 * still be had; after them read and take give ECANCELED, until START. EIO: the card
 * could not be started; the kernel's log has the reason.
 */
#define GRABBER_IOC_START	_IO(GRABBER_IOC_MAGIC, 0x13)
#define GRABBER_IOC_STOP	_IO(GRABBER_IOC_MAGIC, 0x14)
#define GRABBER_IOC_TAKE	_IOWR(GRABBER_IOC_MAGIC, 0x15, struct grabber_take)
#define GRABBER_IOC_GIVE	_IOW(GRABBER_IOC_MAGIC, 0x16, struct grabber_give)

#define GRABBER_IOC_EXPORT	_IOWR(GRABBER_IOC_MAGIC, 0x18, struct grabber_export)
#define GRABBER_IOC_SEEK	_IOW(GRABBER_IOC_MAGIC, 0x17, struct grabber_seek)
#define GRABBER_IOC_SET_FORMAT	_IOWR(GRABBER_IOC_MAGIC, 0x1a, struct grabber_format)
#define GRABBER_IOC_ENUM_FORMAT	_IOWR(GRABBER_IOC_MAGIC, 0x1b, struct grabber_format_choice)
#define GRABBER_IOC_SET_BUFFER	_IOWR(GRABBER_IOC_MAGIC, 0x19, struct grabber_buffer)

#define GRABBER_IOC_SLOT_ADDRESS _IOWR(GRABBER_IOC_MAGIC, 0x20, struct grabber_slot_address)
/* A bit for each line, see &struct grabber_irqs */
#define GRABBER_IOC_UNMASK_IRQ	_IOW(GRABBER_IOC_MAGIC, 0x21, __u32)
#define GRABBER_IOC_SET_BAR	_IOWR(GRABBER_IOC_MAGIC, 0x22, struct grabber_bar)
#define GRABBER_IOC_GET_IRQS	_IOWR(GRABBER_IOC_MAGIC, 0x23, struct grabber_irqs)

#endif /* _UAPI_LINUX_GRABBER_H */
