// SPDX-License-Identifier: GPL-2.0-only
#include "xdma_core.h"

#include <string.h>

#include "log.h"

#define VECTORS		0x1f1f1f1fu
#define SYSTEM_ID	0xff01u

void xdma_core_reset(struct xdma_core *x)
{
	for (unsigned int n = 0; n < x->channels; n++) {
		struct stream *stream = x->c2h[n].stream;

		if (stream->faults.stuck == FAULT_STUCK_EVER)
			continue;
		x->c2h[n] = (struct xdma_engine) { .channel = n, .stream = stream };
		stream->faults.stuck = 0;
	}
	x->h2c = (struct xdma_engine) { .h2c = true };
	x->halt = 0;
	x->credit_mode = 0;
	x->user_int_enable = 0;
	x->channel_int_enable = 0;
	memset(x->user_vector, 0, sizeof(x->user_vector));
	memset(x->channel_vector, 0, sizeof(x->channel_vector));
	x->pcie_control = 1;
	x->user_mps = 5;
	x->user_mrrs = 5;
	x->flush_timeout = 0;
	x->sent = 0;
	x->user_sent = 0;
	/* a vector is masked until its driver says otherwise */
	memset(x->msix_table, 0, sizeof(x->msix_table));
	for (int v = 0; v < XDMA_MSIX_VECTORS; v++)
		x->msix_table[v * 4 + 3] = 1;
	xdma_core_interrupts(x);
}

void xdma_core_rule_break(struct xdma_core *x, const char *what)
{
	static const char *told[16];

	x->rule_breaks++;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		if (told[i] == what)
			return;
		if (!told[i]) {
			told[i] = what;
			note("PG195 forbids what the driver does: %s", what);
			return;
		}
	}
}

/* In the interrupt block the H2C channels come first, then the C2H channels */
static uint32_t channels(const struct xdma_core *x)
{
	return (1u << (x->channels + x->has_h2c)) - 1;
}

static bool pending(const struct xdma_engine *e)
{
	return e->status & e->interrupt_enable & XDMA_STATUS_EVENTS;
}

static uint32_t channel_pending(const struct xdma_core *x)
{
	uint32_t bits = x->has_h2c && pending(&x->h2c) ? 0x1 : 0;

	for (unsigned int n = 0; n < x->channels; n++)
		if (pending(&x->c2h[n]))
			bits |= 1u << (n + x->has_h2c);
	return bits;
}

static void send_message(struct xdma_core *x, const uint32_t *vectors, unsigned int source)
{
	uint32_t vector = vectors[source / 4] >> 8 * (source % 4) & 0x1f;

	if (pci_config_msix_enabled(x->config))
		interrupts_message(x->interrupts, INTERRUPT_MSIX, vector);
	else
		interrupts_message(x->interrupts, INTERRUPT_MSI,
				   vector & (pci_config_msi_vectors(x->config) - 1));
}

void xdma_core_interrupts(struct xdma_core *x)
{
	uint32_t active = channel_pending(x) & x->channel_int_enable;
	uint32_t user = x->user_logic->level & x->user_int_enable;
	uint32_t risen, user_risen;
	bool msix = pci_config_msix_enabled(x->config), msi = pci_config_msi_enabled(x->config);
	bool line = (active || user) && !msix && !msi && !x->faults->gone;

	pci_config_show_intx(x->config, line);
	interrupts_line(x->interrupts, line && pci_config_intx_enabled(x->config));
	x->sent &= active;
	x->user_sent &= user;
	/* A message goes out at the edge of its source, and only from a bus master */
	risen = active & ~x->sent;
	user_risen = user & ~x->user_sent;
	if (!(risen | user_risen) || (!msix && !msi) || x->faults->gone || !pci_config_masters(x->config))
		return;
	x->sent = active;
	x->user_sent = user;
	for (unsigned int channel = 0; channel < x->channels + x->has_h2c; channel++)
		if (risen & 1u << channel)
			send_message(x, x->channel_vector, channel);
	for (unsigned int n = 0; n < XDMA_USER_INTS; n++) {
		if (user_risen & 1u << n) {
			send_message(x, x->user_vector, n);
			x->user_messages++;
		}
	}
}

/* Plain register with its "write 1 to set" and "write 1 to clear" aliases, 4 bytes apart */
static uint32_t alias(uint32_t old, uint32_t which, uint32_t value, uint32_t mask)
{
	switch (which) {
	case 0:
		return (old & ~mask) | (value & mask);
	case 4:
		return old | (value & mask);
	default:
		return old & ~(value & mask);
	}
}

static void set_half(uint64_t *reg, bool high, uint32_t value, uint32_t mask)
{
	uint32_t half = alias(*reg >> (high ? 32 : 0), 0, value, mask);

	if (high)
		*reg = (*reg & 0xffffffff) | (uint64_t)half << 32;
	else
		*reg = (*reg & ~0xffffffffull) | half;
}

static uint32_t engine_read(struct xdma_core *x, struct xdma_engine *e, uint32_t reg)
{
	uint32_t status = e->status | (e->active ? XDMA_STATUS_BUSY : 0);

	switch (reg) {
	case 0:
		return XDMA_ID(e->h2c ? XDMA_BLOCK_H2C : XDMA_BLOCK_C2H) | XDMA_ID_STREAM |
		       XDMA_ID_CHANNEL(e->channel) | XDMA_ID_VERSION;
	case XDMA_CONTROL:
	case XDMA_CONTROL_W1S:
	case XDMA_CONTROL_W1C:
		return e->control;
	case XDMA_STATUS:
		return status;
	case XDMA_STATUS_RC:
		e->status = 0;
		xdma_core_interrupts(x);
		return status;
	case XDMA_COMPLETED:
		return e->completed;
	case XDMA_ALIGNMENTS:
		return XDMA_ALIGNMENTS_VALUE;
	case XDMA_POLL_WB_LO:
		return e->poll_wb;
	case XDMA_POLL_WB_HI:
		return e->poll_wb >> 32;
	case XDMA_INT_ENABLE:
	case XDMA_INT_ENABLE_W1S:
	case XDMA_INT_ENABLE_W1C:
		return e->interrupt_enable;
	default:
		return 0;
	}
}

static void engine_write(struct xdma_core *x, struct xdma_engine *e, uint32_t reg,
			 uint32_t value, uint32_t mask)
{
	switch (reg) {
	case XDMA_CONTROL:
	case XDMA_CONTROL_W1S:
	case XDMA_CONTROL_W1C:
		xdma_engine_control(x, e, alias(e->control, reg - XDMA_CONTROL, value, mask));
		break;
	case XDMA_STATUS:
		e->status &= ~(value & mask);
		xdma_core_interrupts(x);
		break;
	case XDMA_POLL_WB_LO:
	case XDMA_POLL_WB_HI:
		set_half(&e->poll_wb, reg == XDMA_POLL_WB_HI, value, mask);
		break;
	case XDMA_INT_ENABLE:
	case XDMA_INT_ENABLE_W1S:
	case XDMA_INT_ENABLE_W1C:
		e->interrupt_enable = alias(e->interrupt_enable, reg - XDMA_INT_ENABLE, value,
					    mask) & XDMA_STATUS_EVENTS;
		xdma_core_interrupts(x);
		break;
	}
}

static uint32_t sgdma_read(const struct xdma_engine *e, uint32_t reg)
{
	switch (reg) {
	case 0:
		return XDMA_ID(e->h2c ? XDMA_BLOCK_H2C_SGDMA : XDMA_BLOCK_C2H_SGDMA) |
		       XDMA_ID_STREAM | XDMA_ID_CHANNEL(e->channel) | XDMA_ID_VERSION;
	case XDMA_DESC_LO:
		return e->first;
	case XDMA_DESC_HI:
		return e->first >> 32;
	case XDMA_DESC_ADJ:
		return e->first_adjacent;
	case XDMA_DESC_CREDITS:
		return e->credits;
	default:
		return 0;
	}
}

static void sgdma_write(struct xdma_core *x, struct xdma_engine *e, uint32_t reg,
			uint32_t value, uint32_t mask)
{
	switch (reg) {
	case XDMA_DESC_LO:
	case XDMA_DESC_HI:
		set_half(&e->first, reg == XDMA_DESC_HI, value, mask);
		break;
	case XDMA_DESC_ADJ:
		e->first_adjacent = alias(e->first_adjacent, 0, value, mask) & 0x3f;
		break;
	case XDMA_DESC_CREDITS:
		/* what is written is added, in credit mode only */
		if (!(x->credit_mode & xdma_engine_common_bit(e)))
			break;
		e->credits += value & mask & XDMA_CREDITS_MAX;
		if (e->credits > XDMA_CREDITS_MAX) {
			xdma_core_rule_break(x, "more than 1023 credits are given at a time");
			e->credits = XDMA_CREDITS_MAX;
		}
		break;
	}
}

static uint32_t common_read(const struct xdma_core *x, uint32_t reg)
{
	switch (reg) {
	case 0:
		return XDMA_ID(XDMA_BLOCK_SGDMA_COMMON) | XDMA_ID_VERSION;
	case XDMA_HALT:
	case XDMA_HALT_W1S:
	case XDMA_HALT_W1C:
		return x->halt;
	case XDMA_CREDIT_MODE:
	case XDMA_CREDIT_MODE_W1S:
	case XDMA_CREDIT_MODE_W1C:
		return x->credit_mode;
	default:
		return 0;
	}
}

static void common_write(struct xdma_core *x, uint32_t reg, uint32_t value, uint32_t mask)
{
	switch (reg) {
	case XDMA_HALT:
	case XDMA_HALT_W1S:
	case XDMA_HALT_W1C:
		x->halt = alias(x->halt, reg - XDMA_HALT, value, mask) & XDMA_COMMON_CHANNELS;
		break;
	case XDMA_CREDIT_MODE:
	case XDMA_CREDIT_MODE_W1S:
	case XDMA_CREDIT_MODE_W1C:
		x->credit_mode = alias(x->credit_mode, reg - XDMA_CREDIT_MODE, value, mask) &
				 XDMA_COMMON_CHANNELS;
		for (unsigned int n = 0; n < x->channels; n++)
			if (!(x->credit_mode & XDMA_COMMON_C2H_0 << n))
				x->c2h[n].credits = 0;
		if (!(x->credit_mode & XDMA_COMMON_H2C_0))
			x->h2c.credits = 0;
		break;
	}
}

static uint32_t irq_read(const struct xdma_core *x, uint32_t reg)
{
	switch (reg) {
	case 0:
		return XDMA_ID(XDMA_BLOCK_IRQ) | XDMA_ID_VERSION;
	case XDMA_USER_INT_ENABLE:
	case XDMA_USER_INT_ENABLE_W1S:
	case XDMA_USER_INT_ENABLE_W1C:
		return x->user_int_enable;
	case XDMA_CHANNEL_INT_ENABLE:
	case XDMA_CHANNEL_INT_ENABLE_W1S:
	case XDMA_CHANNEL_INT_ENABLE_W1C:
		return x->channel_int_enable;
	case XDMA_USER_INT_REQUEST:
		return x->user_logic->level & x->user_int_enable;
	case XDMA_USER_INT_PENDING:
		return x->user_logic->level;
	case XDMA_CHANNEL_INT_REQUEST:
		return channel_pending(x) & x->channel_int_enable;
	case XDMA_CHANNEL_INT_PENDING:
		return channel_pending(x);
	case XDMA_USER_VECTOR:
	case XDMA_USER_VECTOR + 4:
	case XDMA_USER_VECTOR + 8:
	case XDMA_USER_VECTOR + 12:
		return x->user_vector[(reg - XDMA_USER_VECTOR) / 4];
	case XDMA_CHANNEL_VECTOR:
	case XDMA_CHANNEL_VECTOR + 4:
		return x->channel_vector[(reg - XDMA_CHANNEL_VECTOR) / 4];
	default:
		return 0;
	}
}

static void irq_write(struct xdma_core *x, uint32_t reg, uint32_t value, uint32_t mask)
{
	uint32_t *vector;

	switch (reg) {
	case XDMA_USER_INT_ENABLE:
	case XDMA_USER_INT_ENABLE_W1S:
	case XDMA_USER_INT_ENABLE_W1C:
		x->user_int_enable = alias(x->user_int_enable, reg - XDMA_USER_INT_ENABLE, value,
					   mask) & ((1u << XDMA_USER_INTS) - 1);
		xdma_core_interrupts(x);
		break;
	case XDMA_CHANNEL_INT_ENABLE:
	case XDMA_CHANNEL_INT_ENABLE_W1S:
	case XDMA_CHANNEL_INT_ENABLE_W1C:
		x->channel_int_enable = alias(x->channel_int_enable, reg - XDMA_CHANNEL_INT_ENABLE,
					      value, mask) & channels(x);
		xdma_core_interrupts(x);
		break;
	case XDMA_USER_VECTOR:
	case XDMA_USER_VECTOR + 4:
	case XDMA_USER_VECTOR + 8:
	case XDMA_USER_VECTOR + 12:
		vector = &x->user_vector[(reg - XDMA_USER_VECTOR) / 4];
		*vector = alias(*vector, 0, value, mask) & VECTORS;
		break;
	case XDMA_CHANNEL_VECTOR:
	case XDMA_CHANNEL_VECTOR + 4:
		vector = &x->channel_vector[(reg - XDMA_CHANNEL_VECTOR) / 4];
		*vector = alias(*vector, 0, value, mask) & VECTORS;
		break;
	}
}

static uint32_t config_read(const struct xdma_core *x, uint32_t reg)
{
	switch (reg) {
	case 0:
		return XDMA_ID(XDMA_BLOCK_CONFIG) | XDMA_ID_VERSION;
	case XDMA_CONFIG_MPS:
		return pci_config_max_payload(x->config);
	case XDMA_CONFIG_MRRS:
		return pci_config_max_read(x->config);
	case XDMA_CONFIG_SYSTEM_ID:
		return SYSTEM_ID;
	case XDMA_CONFIG_MSI:
		return (pci_config_msi_enabled(x->config) ? 1 : 0) |
		       (pci_config_msix_enabled(x->config) ? 2 : 0);
	case XDMA_CONFIG_PCIE:
		return x->pcie_control;
	case XDMA_CONFIG_USER_MPS:
		return x->user_mps << 4 | x->user_mps;
	case XDMA_CONFIG_USER_MRRS:
		return x->user_mrrs << 4 | x->user_mrrs;
	case XDMA_CONFIG_FLUSH:
		return x->flush_timeout;
	default:
		return 0;
	}
}

static void config_write(struct xdma_core *x, uint32_t reg, uint32_t value, uint32_t mask)
{
	switch (reg) {
	case XDMA_CONFIG_PCIE:
		x->pcie_control = alias(x->pcie_control, 0, value, mask) & 1;
		break;
	case XDMA_CONFIG_USER_MPS:
		x->user_mps = alias(x->user_mps, 0, value, mask) & 7;
		break;
	case XDMA_CONFIG_USER_MRRS:
		x->user_mrrs = alias(x->user_mrrs, 0, value, mask) & 7;
		break;
	case XDMA_CONFIG_FLUSH:
		x->flush_timeout = alias(x->flush_timeout, 0, value, mask) & 0x1f;
		break;
	}
}

static bool is_msix(const struct xdma_core *x, uint32_t offset)
{
	return x->config->ids.msix && offset >= XDMA_MSIX_TABLE &&
	       offset < XDMA_MSIX_TABLE + sizeof(x->msix_table);
}

/* The engine that a register is of, NULL for none */
static struct xdma_engine *engine_at(struct xdma_core *x, uint32_t offset)
{
	uint32_t block = offset >> 12, channel = offset >> 8 & 0xf;

	if (block == XDMA_BLOCK_C2H || block == XDMA_BLOCK_C2H_SGDMA)
		return channel < x->channels ? &x->c2h[channel] : NULL;
	return x->has_h2c && !channel ? &x->h2c : NULL;
}

uint32_t xdma_core_read(struct xdma_core *x, uint32_t offset)
{
	uint32_t reg = offset & 0xff;
	struct xdma_engine *e;

	if (is_msix(x, offset))
		return x->msix_table[(offset - XDMA_MSIX_TABLE) / 4];
	if (offset == XDMA_MSIX_PBA && x->config->ids.msix)
		return x->interrupts->pending;
	/* a channel that is not there reads as 0, its identifier too */
	switch (offset >> 12) {
	case XDMA_BLOCK_H2C:
	case XDMA_BLOCK_C2H:
		e = engine_at(x, offset);
		return e ? engine_read(x, e, reg) : 0;
	case XDMA_BLOCK_H2C_SGDMA:
	case XDMA_BLOCK_C2H_SGDMA:
		e = engine_at(x, offset);
		return e ? sgdma_read(e, reg) : 0;
	}
	if (offset & 0xf00)
		return 0;
	switch (offset >> 12) {
	case XDMA_BLOCK_IRQ:
		return irq_read(x, reg);
	case XDMA_BLOCK_CONFIG:
		return config_read(x, reg);
	case XDMA_BLOCK_SGDMA_COMMON:
		return common_read(x, reg);
	default:
		return 0;
	}
}

void xdma_core_write(struct xdma_core *x, uint32_t offset, uint32_t value, uint32_t mask)
{
	uint32_t reg = offset & 0xff;
	struct xdma_engine *e;

	if (is_msix(x, offset)) {
		uint32_t *entry = &x->msix_table[(offset - XDMA_MSIX_TABLE) / 4];

		*entry = alias(*entry, 0, value, mask);
		return;
	}
	switch (offset >> 12) {
	case XDMA_BLOCK_H2C:
	case XDMA_BLOCK_C2H:
		e = engine_at(x, offset);
		if (e)
			engine_write(x, e, reg, value, mask);
		return;
	case XDMA_BLOCK_H2C_SGDMA:
	case XDMA_BLOCK_C2H_SGDMA:
		e = engine_at(x, offset);
		if (e)
			sgdma_write(x, e, reg, value, mask);
		return;
	}
	if (offset & 0xf00)
		return;
	switch (offset >> 12) {
	case XDMA_BLOCK_IRQ:
		irq_write(x, reg, value, mask);
		break;
	case XDMA_BLOCK_CONFIG:
		config_write(x, reg, value, mask);
		break;
	case XDMA_BLOCK_SGDMA_COMMON:
		common_write(x, reg, value, mask);
		break;
	}
}
