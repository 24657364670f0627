// SPDX-License-Identifier: GPL-2.0-only
#include "interrupts.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

void interrupts_init(struct interrupts *irq, bool intx, unsigned int msi, unsigned int msix)
{
	*irq = (struct interrupts) { .vectors = { intx, msi, msix, 1 } };
	memset(irq->eventfd, -1, sizeof(irq->eventfd));
}

static void signal_eventfd(struct interrupts *irq, int fd)
{
	uint64_t one = 1;

	/* Can only fail where the counter is full: then the client is awake anyway */
	if (write(fd, &one, sizeof(one)) == sizeof(one))
		irq->raised++;
}

static void line_update(struct interrupts *irq)
{
	int fd = irq->eventfd[INTERRUPT_INTX][0];

	if (!irq->line || irq->line_lost || irq->line_masked || fd < 0)
		return;
	irq->line_masked = true;
	signal_eventfd(irq, fd);
}

static bool swallow(struct interrupts *irq)
{
	if (!irq->swallow)
		return false;
	irq->swallow--;
	irq->swallowed++;
	note("fault: an interrupt is lost");
	return true;
}

void interrupts_line(struct interrupts *irq, bool level)
{
	if (level && !irq->line)
		irq->line_lost = swallow(irq);
	irq->line = level;
	line_update(irq);
}

void interrupts_message(struct interrupts *irq, enum interrupt_kind kind, unsigned int vector)
{
	if (vector >= irq->vectors[kind] || swallow(irq))
		return;
	if (irq->eventfd[kind][vector] >= 0)
		signal_eventfd(irq, irq->eventfd[kind][vector]);
	else if (kind == INTERRUPT_MSIX)
		irq->pending |= 1u << vector;
}

static void assign(struct interrupts *irq, uint32_t kind, uint32_t vector, int fd)
{
	int *slot = &irq->eventfd[kind][vector];

	if (*slot >= 0)
		close(*slot);
	*slot = fd;
	if (fd < 0)
		return;
	if (kind == INTERRUPT_INTX) {
		irq->line_masked = false;
		line_update(irq);
	} else if (kind == INTERRUPT_MSIX && irq->pending & 1u << vector) {
		irq->pending &= ~(1u << vector);
		signal_eventfd(irq, fd);
	}
}

static void act(struct interrupts *irq, uint32_t action, uint32_t kind, uint32_t vector)
{
	switch (action) {
	case VFIO_IRQ_SET_ACTION_MASK:
		irq->line_masked = true;
		break;
	case VFIO_IRQ_SET_ACTION_UNMASK:
		irq->line_masked = false;
		line_update(irq);
		break;
	default:
		/* the client tries its own eventfd out */
		if (irq->eventfd[kind][vector] >= 0)
			signal_eventfd(irq, irq->eventfd[kind][vector]);
	}
}

int interrupts_set(struct interrupts *irq, uint32_t flags, uint32_t index, uint32_t start,
		   uint32_t count, const uint8_t *bools, size_t bool_count, int *fds, size_t fd_count)
{
	uint32_t data = flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	uint32_t action = flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;

	if (index >= INTERRUPT_KINDS || flags & ~(data | action))
		return -EINVAL;
	if (start > irq->vectors[index] || count > irq->vectors[index] - start)
		return -EINVAL;
	if (action != VFIO_IRQ_SET_ACTION_TRIGGER &&
	    (index != INTERRUPT_INTX || data == VFIO_IRQ_SET_DATA_EVENTFD))
		return -EINVAL;
	if (action != VFIO_IRQ_SET_ACTION_TRIGGER && action != VFIO_IRQ_SET_ACTION_MASK &&
	    action != VFIO_IRQ_SET_ACTION_UNMASK)
		return -EINVAL;

	switch (data) {
	case VFIO_IRQ_SET_DATA_NONE:
		if (!count && action == VFIO_IRQ_SET_ACTION_TRIGGER) {
			for (uint32_t v = 0; v < irq->vectors[index]; v++)
				assign(irq, index, v, -1);
			return 0;
		}
		for (uint32_t v = start; v < start + count; v++)
			act(irq, action, index, v);
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		if (bool_count != count)
			return -EINVAL;
		for (uint32_t v = 0; v < count; v++)
			if (bools[v])
				act(irq, action, index, start + v);
		return 0;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		/* without descriptors the vectors lose theirs */
		if (fd_count && fd_count != count)
			return -EINVAL;
		for (uint32_t v = 0; v < count; v++) {
			assign(irq, index, start + v, fd_count ? fds[v] : -1);
			if (fd_count)
				fds[v] = -1;
		}
		return 0;
	default:
		return -EINVAL;
	}
}

void interrupts_release(struct interrupts *irq)
{
	for (uint32_t kind = 0; kind < INTERRUPT_KINDS; kind++)
		for (uint32_t v = 0; v < INTERRUPT_VECTORS; v++)
			assign(irq, kind, v, -1);
	irq->pending = 0;
	irq->line = false;
	irq->line_masked = false;
	irq->line_lost = false;
}
