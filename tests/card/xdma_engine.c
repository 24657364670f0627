// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine of a channel: fetches descriptors, fills them from the stream (C2H)
 * or reads what they point at (H2C), writes back what it did. The order of
 * writes is what drivers build on: data, write-back, count, status, interrupt.
 */
#include <string.h>

#include "log.h"
#include "xdma_core.h"

/* A fetch is one read request: 512 bytes hold 16 descriptors */
#define FETCH_MAX		16
#define PAGE			4096

/* An event reaches the status register only where control lets it */
static void log_event(struct xdma_engine *e, uint32_t bits)
{
	e->status |= bits & e->control & XDMA_STATUS_EVENTS;
}

static void halt(struct xdma_engine *e)
{
	e->active = false;
	e->stopping = false;
	e->queued = 0;
	e->done = 0;
	if (!(e->control & XDMA_CONTROL_RUN)) {
		log_event(e, XDMA_STATUS_IDLE_STOPPED);
		if (e->h2c)
			return;
		e->stream->faults.stuck = 0;
		stream_engine_runs(e->stream, false);
	}
}

static void fail(struct xdma_core *x, struct xdma_engine *e, uint32_t bits)
{
	log_event(e, bits);
	if (e->control & XDMA_CONTROL_POLL_WB) {
		uint32_t word = XDMA_POLL_WB_ERROR | (e->completed & XDMA_POLL_WB_COUNT);

		guest_memory_write(x->memory, e->poll_wb, &word, sizeof(word));
	}
	halt(e);
	xdma_core_interrupts(x);
}

static void run_on(struct xdma_core *x, struct xdma_engine *e)
{
	e->status = 0;
	e->completed = 0;
	e->active = true;
	e->stopping = false;
	e->stale = false;
	e->queued = 0;
	e->done = 0;
	e->fetch_address = e->first;
	e->fetch_left = e->first_adjacent + 1;
	e->fetch_ended = false;
	e->fetch_error = 0;
	if (!e->h2c)
		stream_engine_runs(e->stream, true);
	if (e->first % sizeof(struct xdma_descriptor))
		xdma_core_rule_break(x, "the first descriptor is not aligned to 32 bytes");
}

static bool stuck(const struct xdma_engine *e)
{
	return !e->h2c && !e->stale && e->stream->faults.stuck;
}

static void run_off(struct xdma_engine *e)
{
	e->credits = 0;
	if (stuck(e) && e->stream->faults.stuck >= FAULT_STUCK_BUSY && e->active)
		return;
	if (e->active && e->done && !stuck(e))
		e->stopping = true;
	else
		halt(e);
}

/* It was stuck, and goes on where it was. Where no reset helps, none does later. */
static void go_on(struct xdma_engine *e)
{
	e->stale = true;
	if (e->stream->faults.stuck != FAULT_STUCK_EVER)
		e->stream->faults.stuck = 0;
}

void xdma_engine_masters(struct xdma_core *x)
{
	for (unsigned int n = 0; n < x->channels; n++) {
		struct xdma_engine *e = &x->c2h[n];

		if (e->stream->faults.stuck >= FAULT_STUCK_BUSY && e->active &&
		    !(e->control & XDMA_CONTROL_RUN))
			go_on(e);
	}
}

void xdma_engine_control(struct xdma_core *x, struct xdma_engine *e, uint32_t control)
{
	uint32_t changed = e->control ^ control;

	e->control = control & XDMA_CONTROL_WRITABLE;
	if (changed & XDMA_CONTROL_RUN) {
		if (control & XDMA_CONTROL_RUN) {
			/* an engine that is still on its last descriptor goes on from there */
			if (e->active) {
				e->stopping = false;
				if (stuck(e))
					go_on(e);
			} else {
				run_on(x, e);
			}
		} else {
			run_off(e);
		}
	}
	xdma_core_interrupts(x);
}

static bool fetch_one(struct xdma_core *x, struct xdma_engine *e)
{
	struct xdma_descriptor *d = &e->queue[e->queued];
	uint32_t fault = e->h2c ? 0 : e->stream->faults.engine_error & 0xff;

	if (fault == FAULT_ERROR_DESCRIPTOR ||
	    !guest_memory_read(x->memory, e->fetch_address, d, sizeof(*d))) {
		e->fetch_error = XDMA_STATUS_DESC_UNSUPPORTED;
	} else if (fault == FAULT_ERROR_MAGIC ||
		   d->control >> 16 != XDMA_DESC_MAGIC) {
		e->fetch_error = XDMA_STATUS_MAGIC_STOPPED;
	}
	if (e->fetch_error) {
		if (fault)
			fault_engine_error_met(&e->stream->faults);
		e->fetch_ended = true;
		return false;
	}
	if (!e->h2c && (d->length & XDMA_DESC_LENGTH) % XDMA_STREAM_GRANULE)
		xdma_core_rule_break(x, "a stream descriptor's length is no multiple of 64 bytes");
	e->queued++;
	x->descriptors++;
	e->fetch_left--;
	if (d->control & XDMA_DESC_STOP) {
		e->fetch_ended = true;
		return false;
	}
	if (e->fetch_left) {
		e->fetch_address += sizeof(*d);
		if (!(e->fetch_address % PAGE))
			xdma_core_rule_break(x, "a block of adjacent descriptors crosses 4 KiB");
		return true;
	}
	e->fetch_address = d->next;
	e->fetch_left = XDMA_DESC_ADJACENT(d->control) + 1;
	if (d->next % sizeof(*d))
		xdma_core_rule_break(x, "a descriptor is not aligned to 32 bytes");
	return true;
}

static void fetch(struct xdma_core *x, struct xdma_engine *e)
{
	if (e->fetch_ended || e->stopping || x->halt & xdma_engine_common_bit(e))
		return;
	for (int n = 0; n < FETCH_MAX && e->queued < XDMA_QUEUE; n++) {
		if (x->credit_mode & xdma_engine_common_bit(e)) {
			if (!e->credits)
				return;
			e->credits--;
		}
		if (!fetch_one(x, e))
			return;
	}
}

static void complete(struct xdma_core *x, struct xdma_engine *e, bool end_of_packet)
{
	struct xdma_descriptor d = e->queue[0];
	struct xdma_writeback wb = {
		.status = XDMA_WRITEBACK_MAGIC | (end_of_packet ? XDMA_WRITEBACK_EOP : 0),
		.length = e->done,
	};

	memmove(&e->queue[0], &e->queue[1], --e->queued * sizeof(e->queue[0]));
	e->done = 0;
	/* the guest may look at any moment: what comes first must be seen first */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (!e->h2c && !(e->control & XDMA_CONTROL_NO_WB)) {
		guest_memory_write(x->memory, d.src, &wb, sizeof(wb));
		x->writebacks++;
	}
	__atomic_thread_fence(__ATOMIC_RELEASE);
	e->completed++;
	if (d.control & XDMA_DESC_COMPLETED) {
		if (e->control & XDMA_CONTROL_POLL_WB) {
			uint32_t word = e->completed & XDMA_POLL_WB_COUNT;

			guest_memory_write(x->memory, e->poll_wb, &word, sizeof(word));
		}
		log_event(e, XDMA_STATUS_COMPLETED);
	}
	if (d.control & XDMA_DESC_STOP)
		log_event(e, XDMA_STATUS_STOPPED);
	if (d.control & XDMA_DESC_STOP || e->stopping)
		halt(e);
	xdma_core_interrupts(x);
}

/* What an H2C stream is for is the business of logic that this card has not: read and forget */
static bool read_part(struct xdma_core *x, struct xdma_engine *e, size_t n)
{
	static uint8_t sink[65536];

	if (n > sizeof(sink))
		n = sizeof(sink);
	if (!guest_memory_read(x->memory, e->queue[0].src + e->done, sink, n)) {
		fail(x, e, XDMA_STATUS_READ_UNSUPPORTED);
		return true;
	}
	x->bytes_taken += n;
	e->done += n;
	if (e->done == (e->queue[0].length & XDMA_DESC_LENGTH))
		complete(x, e, false);
	return true;
}

static bool write_part(struct xdma_core *x, struct xdma_engine *e, size_t n)
{
	const uint8_t *data;
	size_t offered;

	if ((e->stream->faults.engine_error & 0xff) == FAULT_ERROR_READ) {
		fault_engine_error_met(&e->stream->faults);
		fail(x, e, XDMA_STATUS_READ_SLAVE);
		return true;
	}
	offered = stream_offer(e->stream, &data);
	if (!offered)
		return false;
	if (n > offered)
		n = offered;
	/*
	 * A write that nobody answers for: memory writes are posted, so the engine
	 * does not learn that one was refused. The guest memory counts it.
	 */
	guest_memory_write(x->memory, e->queue[0].dst + e->done, data, n);
	if (e->stale)
		x->stale_bytes += n;
	e->done += n;
	if (stream_take(e->stream, n))
		complete(x, e, true);
	else if (e->done == (e->queue[0].length & XDMA_DESC_LENGTH))
		complete(x, e, false);
	return true;
}

static bool step(struct xdma_core *x, struct xdma_engine *e, size_t limit)
{
	uint32_t length;
	size_t n;

	if (!e->active || x->faults->gone || stuck(e) || !pci_config_masters(x->config))
		return false;
	fetch(x, e);
	if (!e->queued) {
		if (!e->fetch_error)
			return false;
		fail(x, e, e->fetch_error);
		return true;
	}
	length = e->queue[0].length & XDMA_DESC_LENGTH;
	if (!e->h2c && !e->done && length % XDMA_STREAM_GRANULE) {
		log_event(e, XDMA_STATUS_INVALID_LENGTH);
		xdma_core_interrupts(x);
	}
	if (!length) {
		fail(x, e, XDMA_STATUS_INVALID_LENGTH);
		return true;
	}
	n = length - e->done < limit ? length - e->done : limit;
	return e->h2c ? read_part(x, e, n) : write_part(x, e, n);
}

bool xdma_engine_run(struct xdma_core *x, size_t budget)
{
	size_t part = budget / 32;
	bool got_on = false;

	/* one descriptor at a time, however small it is */
	for (size_t spent = 0; spent < budget; spent += part) {
		bool any = x->has_h2c && step(x, &x->h2c, part);

		for (unsigned int n = 0; n < x->channels; n++)
			any |= step(x, &x->c2h[n], part);
		if (!any)
			return got_on;
		got_on = true;
	}
	return got_on;
}
