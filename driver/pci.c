// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI glue: from a PCI device to a card. What PCI does to it afterwards is in
 * pci_reset.c, and its interrupts are in pci_interrupt.c.
 *
 * A card that no board claims comes here by driver_override or new_id; grabberctl bind
 * writes that. Which board it then is, cards.conf says (settings.c).
 */
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "card.h"
#include "compat/compat.h"
#include "pci.h"
#include "settings.h"

static unsigned int slots;
module_param(slots, uint, 0444);
MODULE_PARM_DESC(slots,
		 "frame slots a card, 2 to 1024 (default 0: 8, or as many as memory= allows, at least 4)");

static int bar = -1;
module_param(bar, int, 0444);
MODULE_PARM_DESC(bar, "BAR that /dev/grabberN-bar shows, 0 to 5 (default -1: as the board says)");

static char *framing = "";
module_param(framing, charp, 0444);
MODULE_PARM_DESC(framing,
		 "for streams of XDMA cards without a grabber video source: packet (tlast ends a frame) or slot (a frame is a slot full); also takes such a card, and any with an XDMA core, that driver_override or new_id gives to grabber");

/* The memory BAR with this number, or the first that there is. */
static int memory_bar(struct pci_dev *pdev, int wanted)
{
	int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		if (wanted >= 0 && i != wanted)
			continue;
		if (pci_resource_len(pdev, i) && (pci_resource_flags(pdev, i) & IORESOURCE_MEM))
			return i;
	}
	return -ENODEV;
}

static void release(void *function)
{
	grabber_function_release(function);
}

/**
 * grabber_pci_map() - map the head of a BAR for a board's own use
 * @function: the function
 * @index: number of the BAR
 * @size: bytes that the board needs
 *
 * Return: the registers, until the device leaves; -ENODEV when the BAR is smaller
 * or not there, -ENOMEM after saying that it cannot be mapped.
 */
void __iomem *grabber_pci_map(struct grabber_function *function, int index, size_t size)
{
	struct pci_dev *pdev = to_pci_dev(function->dev);
	void __iomem *regs;

	if (memory_bar(pdev, index) < 0 || pci_resource_len(pdev, index) < size)
		return IOMEM_ERR_PTR(-ENODEV);
	regs = devm_ioremap(function->dev, pci_resource_start(pdev, index), size);
	if (regs) {
		function->bars.windows[index].driver++;
		return regs;
	}
	dev_err(function->dev,
		"BAR %d cannot be mapped: no addresses for its %zu bytes, enlarge vmalloc= or free some memory\n",
		index, size);
	return IOMEM_ERR_PTR(-ENOMEM);
}

/**
 * grabber_pci_unmap() - undo grabber_pci_map(), while the card is probed
 * @function: the function
 * @index: number of the BAR
 * @regs: what grabber_pci_map() returned
 */
void grabber_pci_unmap(struct grabber_function *function, int index, void __iomem *regs)
{
	devm_iounmap(function->dev, regs);
	function->bars.windows[index].driver--;
}

/**
 * grabber_pci_private() - keep programs from a BAR that makes the card write to memory
 * @function: the function, which is probed
 * @index: number of the BAR
 */
void grabber_pci_private(struct grabber_function *function, int index)
{
	function->bars.windows[index].private = true;
}

/**
 * grabber_pci_other_bar() - which memory BAR is there, beside one
 * @function: the function
 * @taken: number of that one
 *
 * Return: the number of the first; GRABBER_NO_BAR.
 */
int grabber_pci_other_bar(struct grabber_function *function, int taken)
{
	struct pci_dev *pdev = to_pci_dev(function->dev);
	int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		if (i != taken && memory_bar(pdev, i) >= 0)
			return i;
	}
	return GRABBER_NO_BAR;
}

static void describe_bar(struct pci_dev *pdev, int index, struct grabber_window *window)
{
	unsigned long flags = pci_resource_flags(pdev, index);

	window->start = pci_resource_start(pdev, index);
	window->size = pci_resource_len(pdev, index);
	/* A page shows either this BAR alone, or it is not mapped at all. */
	if (PAGE_ALIGNED(window->start) && PAGE_ALIGNED(window->size))
		window->mmap_size = window->size;
	if (flags & IORESOURCE_PREFETCH)
		window->flags |= GRABBER_BAR_PREFETCHABLE;
	if (flags & IORESOURCE_MEM_64)
		window->flags |= GRABBER_BAR_64BIT;
}

static void find_msix_table(struct pci_dev *pdev, struct grabber_bars *bars)
{
	u32 table, index;
	u16 flags;

	if (!pdev->msix_cap)
		return;
	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &flags);
	pci_read_config_dword(pdev, pdev->msix_cap + PCI_MSIX_TABLE, &table);
	index = table & PCI_MSIX_TABLE_BIR;
	if (index >= GRABBER_BARS)
		return;
	bars->windows[index].table = table & PCI_MSIX_TABLE_OFFSET;
	bars->windows[index].table_size = ((flags & PCI_MSIX_FLAGS_QSIZE) + 1) *
					  PCI_MSIX_ENTRY_SIZE;
}

static void leave_bars(void *bars)
{
	grabber_bars_leave(bars);
}

static int claim_bars(struct pci_dev *pdev, struct grabber_bars *bars)
{
	int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		if (memory_bar(pdev, i) < 0)
			continue;
		describe_bar(pdev, i, &bars->windows[i]);
		if (!devm_request_mem_region(&pdev->dev, pci_resource_start(pdev, i),
					     pci_resource_len(pdev, i), "grabber")) {
			dev_err(&pdev->dev,
				"BAR %d is used by another driver: see /proc/iomem, unbind that one\n",
				i);
			return -EBUSY;
		}
	}
	find_msix_table(pdev, bars);
	return devm_add_action_or_reset(&pdev->dev, leave_bars, bars);
}

/* Return: whether the BAR is shown that a person asked for. */
static bool setup_wanted_window(struct pci_dev *pdev, struct grabber_card *card)
{
	u32 wish = card->settings->number[GRABBER_SET_BAR];

	if (!grabber_is_set(card->settings, GRABBER_SET_BAR))
		return false;
	if (memory_bar(pdev, wish) >= 0 && !card->function->bars.windows[wish].private) {
		card->bar = wish;
		return true;
	}
	grabber_settings_refused(card, GRABBER_SET_BAR,
				 "bar= is no memory BAR of the card, or the one of the DMA engine, which is the driver's: choose another");
	return false;
}

static int setup_window(struct pci_dev *pdev, struct grabber_card *card)
{
	int wanted = bar >= 0 ? bar : card->bar;
	int index = memory_bar(pdev, wanted);

	if (setup_wanted_window(pdev, card))
		return 0;
	/* The board knows that there are no registers to show: so one that is none is shown. */
	if (wanted == GRABBER_NO_BAR) {
		for (index = 0; index < GRABBER_BARS - 1; index++) {
			if (!card->function->bars.windows[index].size)
				break;
		}
		card->bar = index;
		return 0;
	}
	if (index < 0) {
		if (wanted >= 0)
			dev_err(&pdev->dev, "no memory BAR %d: choose another with bar=\n", wanted);
		else
			dev_err(&pdev->dev,
				"no memory BAR: there are no registers to show, this is not a card for grabber\n");
		return -ENODEV;
	}
	if (card->function->bars.windows[index].private) {
		dev_err(&pdev->dev,
			"BAR %d has the DMA engine, which is the driver's: choose another with bar=\n",
			index);
		return -EINVAL;
	}
	card->bar = index;
	return 0;
}

/*
 * Where all DMA has to go through bounce buffers, these may be out of a card's reach, and
 * the kernel would warn of each attempt: so see where they are before the card's mask is
 * known to it.
 */
static bool bounced_out_of_reach(struct device *dev, unsigned int bits)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_DMA);
	bool beyond = false;
	dma_addr_t at;

	if (!page)
		return false;
	at = dma_map_page(dev, page, 0, PAGE_SIZE, DMA_FROM_DEVICE);
	if (!dma_mapping_error(dev, at)) {
		beyond = at + PAGE_SIZE - 1 > DMA_BIT_MASK(bits);
		dma_unmap_page(dev, at, PAGE_SIZE, DMA_FROM_DEVICE);
	}
	__free_page(page);
	return beyond;
}

static int setup_dma(struct pci_dev *pdev, const struct grabber_board *board)
{
	/* An IOMMU puts addresses wherever the mask says. */
	bool narrow = board->dma_bits < 32 && !device_iommu_mapped(&pdev->dev);
	int err = narrow ? dma_set_mask(&pdev->dev, DMA_BIT_MASK(64)) : 0;

	if (!err && narrow && bounced_out_of_reach(&pdev->dev, board->dma_bits)) {
		dev_err(&pdev->dev,
			"all DMA has to go through bounce buffers here, which are beyond the card's %u address bits: boot without swiotlb=force, or %s\n",
			board->dma_bits, GRABBER_IOMMU_ON);
		return -EIO;
	}
	if (!err)
		err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(board->dma_bits));
	if (err) {
		dev_err(&pdev->dev, "no memory within the card's %u address bits (%d): %s\n",
			board->dma_bits, err, GRABBER_IOMMU_ON);
		return err;
	}
	/* One descriptor may cover a whole slot; the buffer is what bounds it. */
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	return 0;
}

static int setup_card(struct pci_dev *pdev, struct grabber_card *card)
{
	int err;

	card->bar = card->board->bar;
	err = card->board->probe(card);
	if (err)
		return err;
	grabber_dma_found(card);
	return setup_window(pdev, card);
}

/* Each step for all cards, before the next: a node is not there before its interrupt. */
static int setup_cards(struct pci_dev *pdev, struct grabber_function *function)
{
	int err;
	u32 i;

	for (i = 0; i < function->ncards; i++) {
		err = setup_card(pdev, function->cards[i]);
		if (err)
			return err;
	}
	err = grabber_pci_interrupts(function);
	if (err)
		return err;
	for (i = 0; i < function->ncards; i++) {
		err = grabber_card_register(function->cards[i], slots);
		if (err)
			return err;
	}
	return 0;
}

static int setup(struct pci_dev *pdev, struct grabber_function *function)
{
	const struct grabber_board *board = function->board;
	int err;

	if (slots && (slots < GRABBER_RING_SLOTS_MIN || slots > GRABBER_RING_SLOTS_MAX)) {
		dev_err(&pdev->dev, "slots=%u: load grabber with slots= from %u to %u\n",
			slots, GRABBER_RING_SLOTS_MIN, GRABBER_RING_SLOTS_MAX);
		return -EINVAL;
	}
	err = claim_bars(pdev, &function->bars);
	if (err)
		return err;
	err = setup_dma(pdev, board);
	if (err)
		return err;
	err = board->find ? board->find(function) : 1;
	if (err < 0)
		return err;
	err = grabber_function_add_cards(function, err);
	if (err)
		return err;
	return setup_cards(pdev, function);
}

/* What framing= asks for. Return: GRABBER_FRAMING_*, or an error after saying so. */
static int wanted_framing(struct pci_dev *pdev)
{
	if (!*framing)
		return GRABBER_FRAMING_CARD;
	if (!strcmp(framing, "packet"))
		return GRABBER_FRAMING_PACKET;
	if (!strcmp(framing, "slot"))
		return GRABBER_FRAMING_SLOT;
	dev_err(&pdev->dev, "framing=%s: load grabber with framing=packet or framing=slot\n",
		framing);
	return -EINVAL;
}

static struct grabber_settings_of *read_settings(struct pci_dev *pdev)
{
	__be64 bytes = cpu_to_be64(pci_get_dsn(pdev));
	char serial[40] = "";

	if (bytes)
		snprintf(serial, sizeof(serial), "serial:%8phD", &bytes);
	return grabber_settings_read(&pdev->dev, serial);
}

static const struct grabber_board *choose_board(const struct grabber_settings_of *settings,
						const struct grabber_board *by_id, bool streams)
{
	switch (settings->channel[0].number[GRABBER_SET_BOARD]) {
	case GRABBER_WANT_XDMA:
		return &grabber_board_xdma;
	case GRABBER_WANT_GENERIC:
		return &grabber_board_generic;
	}
	/* No id of ours: somebody asked for us by driver_override or new_id. */
	return by_id ?: streams ? &grabber_board_xdma : &grabber_board_generic;
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	const struct grabber_board *board = (void *)id->driver_data;
	bool asked = !board || compat_is_overridden(pdev);
	struct grabber_settings_of *settings;
	struct grabber_function *function;
	int framed = wanted_framing(pdev);
	bool streams;
	int err;

	if (framed < 0)
		return framed;
	settings = read_settings(pdev);
	if (!settings)
		return -ENOMEM;
	err = pcim_enable_device(pdev);
	if (err) {
		dev_err(&pdev->dev, "the card cannot be enabled (%d)\n", err);
		return err;
	}
	streams = framed || grabber_settings_streams(settings);
	board = choose_board(settings, board, streams);
	function = grabber_function_create(&pdev->dev, board, &grabber_pci_bus);
	if (!function)
		return -ENOMEM;
	function->settings = settings;
	function->asked = asked ||
			  grabber_is_set(&settings->channel[0], GRABBER_SET_BOARD);
	function->streams = streams;
	function->framing = framed;
	/* Undone last of all: the interrupt handler needs the cards. */
	err = devm_add_action_or_reset(&pdev->dev, release, function);
	if (err)
		return err;
	pci_set_drvdata(pdev, function);
	grabber_dma_shut(function);
	err = grabber_pci_keep_state(function);
	if (!err)
		err = setup(pdev, function);
	if (err)
		grabber_function_remove(function);
	return err;
}

static void remove(struct pci_dev *pdev)
{
	grabber_function_remove(pci_get_drvdata(pdev));
}

#define BOARD(family)	.driver_data = (kernel_ulong_t)&grabber_board_##family

/* One line a card. Xilinx's ids are what its core is shipped with: device ids are
 * family, link speed and width (PG195); the board's probe looks for the core.
 */
static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8), BOARD(edu) },
	{ PCI_DEVICE(0x10ee, 0x7011), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7012), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7014), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7018), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7021), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7022), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7024), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7028), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7031), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7032), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7034), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x7038), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8011), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8012), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8014), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8018), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8021), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8022), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8024), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8028), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8031), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8032), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8034), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x8038), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9011), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9012), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9014), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9018), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9021), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9022), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9024), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9028), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9031), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9032), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9034), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x9038), BOARD(xdma) },
	{ PCI_DEVICE(0x10ee, 0x903f), BOARD(xdma) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver pci_driver = {
	.name = "grabber",
	.id_table = ids,
	.probe = probe,
	.remove = remove,
	.groups = grabber_driver_groups,
	.driver.pm = &grabber_pci_pm,
	.err_handler = &grabber_pci_errors,
};

/**
 * grabber_pci_init() - meet the PCI devices
 *
 * Return: 0 or an error.
 */
int grabber_pci_init(void)
{
	return pci_register_driver(&pci_driver);
}

/**
 * grabber_pci_exit() - part from them
 */
void grabber_pci_exit(void)
{
	pci_unregister_driver(&pci_driver);
}
