// SPDX-License-Identifier: GPL-2.0-only
/*
 * What PCI does to a card that is bound: bus mastering, suspend, errors and resets.
 *
 * A reset takes the settings of the function, its BARs among them. They are put back
 * as they were when the card was bound, with bus mastering off.
 */
#include <linux/pci.h>
#include <linux/slab.h>

#include "function.h"
#include "pci.h"

static bool present(struct device *dev)
{
	return pci_device_is_present(to_pci_dev(dev));
}

/* AER or DPC has found an error, and the driver was not asked about it yet. */
static bool recovering(struct device *dev)
{
	return pci_channel_offline(to_pci_dev(dev));
}

/* The bit is one of a register that the line interrupt is masked in, too, by its handler and
 * by programs: whoever read it and writes it back later would undo what others did.
 */
static void master(struct device *dev, bool allow)
{
	struct grabber_function *function = dev_get_drvdata(dev);
	struct pci_dev *pdev = to_pci_dev(dev);
	u16 command;

	spin_lock_irq(&function->command_lock);
	if (allow)
		pci_set_master(pdev);
	else
		pci_clear_master(pdev);
	spin_unlock_irq(&function->command_lock);
	/* The answer to this read cannot overtake what the card has written. */
	if (!allow)
		pci_read_config_word(pdev, PCI_COMMAND, &command);
}

static void free_state(void *state)
{
	kfree(state);
}

/**
 * grabber_pci_keep_state() - remember the function's settings, for after a reset
 * @function: the function; it is enabled, and bus mastering off
 *
 * Return: 0 or -ENOMEM.
 */
int grabber_pci_keep_state(struct grabber_function *function)
{
	struct pci_dev *pdev = to_pci_dev(function->dev);

	pci_save_state(pdev);
	function->bus_data = pci_store_saved_state(pdev);
	if (!function->bus_data)
		return -ENOMEM;
	return devm_add_action_or_reset(function->dev, free_state, function->bus_data);
}

static void restore_state(struct pci_dev *pdev)
{
	struct grabber_function *function = pci_get_drvdata(pdev);

	/* What was saved last may be of a card that did not answer, or used up. */
	pci_load_saved_state(pdev, function->bus_data);
	pci_restore_state(pdev);
}

/*
 * The device's lock is taken before the card's mutex by everybody else. A start has the
 * mutex; so it only tries.
 */
static int reset(struct device *dev, bool locked)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	int err;

	if (!locked && !device_trylock(dev))
		return -EAGAIN;
	pci_cfg_access_lock(pdev);
	err = __pci_reset_function_locked(pdev);
	restore_state(pdev);
	pci_cfg_access_unlock(pdev);
	if (!locked)
		device_unlock(dev);
	return err;
}

const struct grabber_bus grabber_pci_bus = {
	.present = present,
	.recovering = recovering,
	.master = master,
	.reset = reset,
};

static int __maybe_unused suspend(struct device *dev)
{
	grabber_function_pause(dev_get_drvdata(dev), GRABBER_PAUSE_SUSPEND);
	return 0;
}

static int __maybe_unused resume(struct device *dev)
{
	grabber_function_resume(dev_get_drvdata(dev), GRABBER_PAUSE_SUSPEND);
	return 0;
}

const struct dev_pm_ops grabber_pci_pm = {
	SET_SYSTEM_SLEEP_PM_OPS(suspend, resume)
};

/* An error on the way to the card: end DMA, and let the link be reset where it must. */
static pci_ers_result_t error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct grabber_function *function = pci_get_drvdata(pdev);

	if (state == pci_channel_io_perm_failure) {
		grabber_function_gone(function);
		return PCI_ERS_RESULT_DISCONNECT;
	}
	grabber_function_pause(function, GRABBER_PAUSE_ERROR);
	return state == pci_channel_io_normal ? PCI_ERS_RESULT_CAN_RECOVER :
						PCI_ERS_RESULT_NEED_RESET;
}

/* The link works. Whether the card's engine does is for the next start to see. */
static pci_ers_result_t mmio_enabled(struct pci_dev *pdev)
{
	return present(&pdev->dev) ? PCI_ERS_RESULT_RECOVERED : PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	restore_state(pdev);
	if (present(&pdev->dev))
		return PCI_ERS_RESULT_RECOVERED;
	grabber_function_broke(pci_get_drvdata(pdev),
			       "the card does not answer after a reset of its link");
	return PCI_ERS_RESULT_DISCONNECT;
}

static void error_resume(struct pci_dev *pdev)
{
	grabber_function_resume(pci_get_drvdata(pdev), GRABBER_PAUSE_ERROR);
}

static void reset_prepare(struct pci_dev *pdev)
{
	grabber_function_pause(pci_get_drvdata(pdev), GRABBER_PAUSE_RESET);
}

/* A reset also helps where the recovery from an error did not. */
static void reset_done(struct pci_dev *pdev)
{
	grabber_function_resume(pci_get_drvdata(pdev), GRABBER_PAUSE_RESET | GRABBER_PAUSE_ERROR);
}

const struct pci_error_handlers grabber_pci_errors = {
	.error_detected = error_detected,
	.mmio_enabled = mmio_enabled,
	.slot_reset = slot_reset,
	.resume = error_resume,
	.reset_prepare = reset_prepare,
	.reset_done = reset_done,
};
