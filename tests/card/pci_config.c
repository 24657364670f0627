// SPDX-License-Identifier: GPL-2.0-only
#include "pci_config.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "xdma_regs.h"

/* Where the capabilities are; the order is that of Xilinx's endpoint blocks */
#define CAP_PM		0x40
#define CAP_MSI		0x48
#define CAP_MSIX	0x60
#define CAP_EXP		0x70
#define EXT_AER		0x100
#define EXT_DSN		0x150

#define CLASS_MULTIMEDIA_OTHER	0x048000
#define BARS			2

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static uint16_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

/* Registers are described as: value after reset, bits that keep what is written, bits cleared by 1 */
static void reg16(struct pci_config *c, uint32_t at, uint32_t value, uint32_t writable,
		  uint32_t clearable)
{
	put16(&c->data[at], value);
	put16(&c->writable[at], writable);
	put16(&c->clearable[at], clearable);
}

static void reg32(struct pci_config *c, uint32_t at, uint32_t value, uint32_t writable,
		  uint32_t clearable)
{
	reg16(c, at, value, writable, clearable);
	reg16(c, at + 2, value >> 16, writable >> 16, clearable >> 16);
}

static void header(struct pci_config *c)
{
	reg16(c, PCI_VENDOR_ID, c->ids.vendor, 0, 0);
	reg16(c, PCI_DEVICE_ID, c->ids.device, 0, 0);
	reg16(c, PCI_COMMAND, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
	      PCI_COMMAND_SERR | (c->ids.intx ? PCI_COMMAND_INTX_DISABLE : 0), 0);
	reg16(c, PCI_STATUS, PCI_STATUS_CAP_LIST, 0,
	      PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT |
	      PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR |
	      PCI_STATUS_DETECTED_PARITY);
	reg32(c, PCI_CLASS_REVISION, CLASS_MULTIMEDIA_OTHER << 8, 0, 0);
	c->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	for (int bar = 0; bar < BARS; bar++)
		reg32(c, PCI_BASE_ADDRESS_0 + 4 * bar, PCI_BASE_ADDRESS_MEM_TYPE_32,
		      ~(CARD_BAR_SIZE - 1), 0);
	if (c->memory_bar) {
		reg32(c, PCI_BASE_ADDRESS_2, PCI_BASE_ADDRESS_MEM_TYPE_64 |
		      PCI_BASE_ADDRESS_MEM_PREFETCH, -c->memory_bar, 0);
		reg32(c, PCI_BASE_ADDRESS_3, 0, -c->memory_bar >> 32, 0);
	}
	reg16(c, PCI_SUBSYSTEM_VENDOR_ID, c->ids.subsystem_vendor, 0, 0);
	reg16(c, PCI_SUBSYSTEM_ID, c->ids.subsystem, 0, 0);
	c->writable[PCI_INTERRUPT_LINE] = 0xff;
	c->data[PCI_INTERRUPT_PIN] = c->ids.intx ? 1 : 0;
}

/* Appends to the list of capabilities; returns the place of its next pointer */
static uint32_t capability(struct pci_config *c, uint32_t link, uint32_t at, uint8_t id)
{
	c->data[link] = at;
	c->data[at] = id;
	c->data[at + 1] = 0;
	return at + 1;
}

static void express(struct pci_config *c)
{
	reg16(c, CAP_EXP + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4, 0, 0);
	reg32(c, CAP_EXP + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR |
	      PCI_EXP_DEVCAP_EXT_TAG | 2 /* payload up to 512 bytes */, 0, 0);
	/* read requests of 512 bytes until told otherwise; the top bit is FLR and reads 0 */
	reg16(c, CAP_EXP + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_READRQ_512B | PCI_EXP_DEVCTL_RELAX_EN |
	      PCI_EXP_DEVCTL_NOSNOOP_EN, 0x7fff & ~PCI_EXP_DEVCTL_PHANTOM, 0);
	reg16(c, CAP_EXP + PCI_EXP_DEVSTA, 0, 0, PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED |
	      PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD);
	reg32(c, CAP_EXP + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_5_0GB | 4 << 4, 0, 0);
	reg16(c, CAP_EXP + PCI_EXP_LNKCTL, 0, PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB |
	      PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES, 0);
	reg16(c, CAP_EXP + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_CLS_5_0GB | PCI_EXP_LNKSTA_NLW_X4 |
	      PCI_EXP_LNKSTA_SLC, 0, 0);
	reg32(c, CAP_EXP + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS | 0x2, 0, 0);
	reg16(c, CAP_EXP + PCI_EXP_DEVCTL2, 0, PCI_EXP_DEVCTL2_COMP_TIMEOUT |
	      PCI_EXP_DEVCTL2_COMP_TMOUT_DIS, 0);
	reg32(c, CAP_EXP + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB | PCI_EXP_LNKCAP2_SLS_5_0GB,
	      0, 0);
	reg16(c, CAP_EXP + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS_5_0GT, PCI_EXP_LNKCTL2_TLS, 0);
}

static void capabilities(struct pci_config *c)
{
	uint32_t link = PCI_CAPABILITY_LIST;

	/* Keeps its state over D3hot, as the hard block of 7-series parts does */
	link = capability(c, link, CAP_PM, PCI_CAP_ID_PM);
	reg16(c, CAP_PM + PCI_PM_PMC, 3, 0, 0);
	reg16(c, CAP_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET, PCI_PM_CTRL_STATE_MASK, 0);
	if (c->ids.msi) {
		link = capability(c, link, CAP_MSI, PCI_CAP_ID_MSI);
		reg16(c, CAP_MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_64BIT | 5 << 1 /* 32 vectors */,
		      PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE, 0);
		reg32(c, CAP_MSI + PCI_MSI_ADDRESS_LO, 0, ~3u, 0);
		reg32(c, CAP_MSI + PCI_MSI_ADDRESS_HI, 0, ~0u, 0);
		reg16(c, CAP_MSI + PCI_MSI_DATA_64, 0, 0xffff, 0);
	}
	if (c->ids.msix) {
		link = capability(c, link, CAP_MSIX, PCI_CAP_ID_MSIX);
		reg16(c, CAP_MSIX + PCI_MSIX_FLAGS, XDMA_MSIX_VECTORS - 1,
		      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 0);
		reg32(c, CAP_MSIX + PCI_MSIX_TABLE, XDMA_MSIX_TABLE | 1, 0, 0);
		reg32(c, CAP_MSIX + PCI_MSIX_PBA, XDMA_MSIX_PBA | 1, 0, 0);
	}
	capability(c, link, CAP_EXP, PCI_CAP_ID_EXP);
	express(c);
}

static void extended_capabilities(struct pci_config *c)
{
	const uint32_t uncorrectable = PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_POISON_TLP |
		PCI_ERR_UNC_COMP_TIME | PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP |
		PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_ECRC | PCI_ERR_UNC_UNSUP;
	const uint32_t correctable = PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP |
		PCI_ERR_COR_REP_ROLL | PCI_ERR_COR_REP_TIMER | PCI_ERR_COR_ADV_NFAT;

	reg32(c, EXT_AER, PCI_EXT_CAP_ID_ERR | 1 << 16 | EXT_DSN << 20, 0, 0);
	reg32(c, EXT_AER + PCI_ERR_UNCOR_STATUS, 0, 0, uncorrectable);
	reg32(c, EXT_AER + PCI_ERR_UNCOR_MASK, 0, uncorrectable, 0);
	reg32(c, EXT_AER + PCI_ERR_UNCOR_SEVER, PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP |
	      PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP, uncorrectable, 0);
	reg32(c, EXT_AER + PCI_ERR_COR_STATUS, 0, 0, correctable);
	reg32(c, EXT_AER + PCI_ERR_COR_MASK, PCI_ERR_COR_ADV_NFAT, correctable, 0);
	reg32(c, EXT_AER + PCI_ERR_CAP, 0, 0, 0);

	reg32(c, EXT_DSN, PCI_EXT_CAP_ID_DSN | 1 << 16, 0, 0);
	reg32(c, EXT_DSN + 4, c->ids.serial, 0, 0);
	reg32(c, EXT_DSN + 8, c->ids.serial >> 32, 0, 0);
}

void pci_config_reset(struct pci_config *c)
{
	memset(c->data, 0, sizeof(c->data));
	memset(c->writable, 0, sizeof(c->writable));
	memset(c->clearable, 0, sizeof(c->clearable));
	header(c);
	capabilities(c);
	extended_capabilities(c);
}

void pci_config_init(struct pci_config *c, const struct pci_ids *ids, uint64_t memory_bar)
{
	c->ids = *ids;
	c->memory_bar = memory_bar;
	pci_config_reset(c);
}

void pci_config_read(const struct pci_config *c, uint32_t offset, void *data, uint32_t size)
{
	memcpy(data, &c->data[offset], size);
}

bool pci_config_write(struct pci_config *c, uint32_t offset, const void *data, uint32_t size)
{
	const uint32_t flr = CAP_EXP + PCI_EXP_DEVCTL + 1;
	const uint32_t pm = CAP_PM + PCI_PM_CTRL;
	const uint8_t *bytes = data;
	bool reset = false;

	for (uint32_t i = 0; i < size; i++) {
		uint32_t at = offset + i;
		uint8_t old = c->data[at], v = bytes[i];

		if (at == flr && v & (PCI_EXP_DEVCTL_BCR_FLR >> 8))
			reset = true;
		/* there is no D1 and no D2: such a write leaves the state alone */
		if (at == pm && (v & PCI_PM_CTRL_STATE_MASK) != 0 &&
		    (v & PCI_PM_CTRL_STATE_MASK) != 3)
			v = (v & ~PCI_PM_CTRL_STATE_MASK) | (old & PCI_PM_CTRL_STATE_MASK);
		c->data[at] = ((old & ~c->writable[at]) | (v & c->writable[at])) &
			      ~(v & c->clearable[at]);
	}
	return reset;
}

static bool full_power(const struct pci_config *c)
{
	return !(c->data[CAP_PM + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK);
}

bool pci_config_masters(const struct pci_config *c)
{
	return get16(&c->data[PCI_COMMAND]) & PCI_COMMAND_MASTER && full_power(c);
}

bool pci_config_decodes(const struct pci_config *c)
{
	return get16(&c->data[PCI_COMMAND]) & PCI_COMMAND_MEMORY && full_power(c);
}

bool pci_config_msix_enabled(const struct pci_config *c)
{
	return c->ids.msix && get16(&c->data[CAP_MSIX + PCI_MSIX_FLAGS]) & PCI_MSIX_FLAGS_ENABLE;
}

bool pci_config_msix_masked(const struct pci_config *c)
{
	return get16(&c->data[CAP_MSIX + PCI_MSIX_FLAGS]) & PCI_MSIX_FLAGS_MASKALL;
}

bool pci_config_msi_enabled(const struct pci_config *c)
{
	return c->ids.msi && get16(&c->data[CAP_MSI + PCI_MSI_FLAGS]) & PCI_MSI_FLAGS_ENABLE;
}

unsigned int pci_config_msi_vectors(const struct pci_config *c)
{
	unsigned int granted = (c->data[CAP_MSI + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_QSIZE) >> 4;

	return 1u << (granted < 5 ? granted : 5);
}

bool pci_config_intx_enabled(const struct pci_config *c)
{
	return c->ids.intx && full_power(c) &&
	       !(get16(&c->data[PCI_COMMAND]) & PCI_COMMAND_INTX_DISABLE);
}

void pci_config_show_intx(struct pci_config *c, bool level)
{
	if (level)
		c->data[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	else
		c->data[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
}

unsigned int pci_config_max_payload(const struct pci_config *c)
{
	return get32(&c->data[CAP_EXP + PCI_EXP_DEVCTL]) >> 5 & 7;
}

unsigned int pci_config_max_read(const struct pci_config *c)
{
	return get32(&c->data[CAP_EXP + PCI_EXP_DEVCTL]) >> 12 & 7;
}
