/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: a frame's way, for trace-cmd and perf.
 *
 *	echo 1 > /sys/kernel/tracing/events/grabber/enable
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM grabber

#if !defined(GRABBER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define GRABBER_TRACE_H

#include <linux/tracepoint.h>

#include "card.h"

/* The driver lent a slot to the card: the next frames that it begins go there. */
TRACE_EVENT(grabber_queued,
	TP_PROTO(const struct grabber_card *card, u32 slot),
	TP_ARGS(card, slot),
	TP_STRUCT__entry(
		__field(int, card)
		__field(u32, slot)
	),
	TP_fast_assign(
		__entry->card = card->number;
		__entry->slot = slot;
	),
	TP_printk("grabber%d slot=%u", __entry->card, __entry->slot)
);

DECLARE_EVENT_CLASS(grabber_frame,
	TP_PROTO(const struct grabber_card *card, u32 slot, u32 flags),
	TP_ARGS(card, slot, flags),
	TP_STRUCT__entry(
		__field(int, card)
		__field(u32, slot)
		__field(u64, sequence)
		__field(u64, timestamp)
		__field(u32, bytes)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->card = card->number;
		__entry->slot = slot;
		__entry->sequence = card->ring.slots[slot].sequence;
		__entry->timestamp = card->ring.slots[slot].timestamp;
		__entry->bytes = card->ring.slots[slot].bytes;
		__entry->flags = flags;
	),
	TP_printk("grabber%d slot=%u sequence=%llu timestamp=%llu bytes=%u flags=%#x",
		  __entry->card, __entry->slot, __entry->sequence, __entry->timestamp,
		  __entry->bytes, __entry->flags)
);

/* A frame is complete and in the ring. */
DEFINE_EVENT(grabber_frame, grabber_done,
	TP_PROTO(const struct grabber_card *card, u32 slot, u32 flags),
	TP_ARGS(card, slot, flags));

/* A reader took it (TAKE or read) and holds its slot. */
DEFINE_EVENT(grabber_frame, grabber_taken,
	TP_PROTO(const struct grabber_card *card, u32 slot, u32 flags),
	TP_ARGS(card, slot, flags));

/* A reader gave it back. */
DEFINE_EVENT(grabber_frame, grabber_given,
	TP_PROTO(const struct grabber_card *card, u32 slot, u32 flags),
	TP_ARGS(card, slot, flags));

/* Frames that the card began and that will not come. */
TRACE_EVENT(grabber_lost,
	TP_PROTO(const struct grabber_card *card, int cause, u64 frames),
	TP_ARGS(card, cause, frames),
	TP_STRUCT__entry(
		__field(int, card)
		__field(int, cause)
		__field(u64, frames)
	),
	TP_fast_assign(
		__entry->card = card->number;
		__entry->cause = cause;
		__entry->frames = frames;
	),
	TP_printk("grabber%d frames=%llu cause=%s", __entry->card, __entry->frames,
		  __print_symbolic(__entry->cause,
				   { GRABBER_LOSS_NO_SLOT, "no_slot" },
				   { GRABBER_LOSS_ERROR, "error" },
				   { GRABBER_LOSS_STOP, "stop" },
				   { GRABBER_LOSS_CARD, "card" }))
);

#endif /* GRABBER_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
