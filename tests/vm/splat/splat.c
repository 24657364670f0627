// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breaks a rule of the kernel on purpose, to see whether the log gate notices.
 * FOR THE HARNESS'S OWN TESTS ONLY: insmod splat.ko fault=warn|leak|...
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *fault = "";
module_param(fault, charp, 0);
MODULE_PARM_DESC(fault, "warn, oops, leak, use_after_free, deadlock, sleep or dma");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spinlock);

static void warn(void)
{
	WARN(1, "splat: a warning\n");
}

static void oops(void)
{
	*(volatile int *)8 = 1;
}

static void leak(void)
{
	void *lost;
	int i;

	/* some: a stale copy of one pointer may well stay on a stack */
	for (i = 0; i < 16; i++) {
		lost = kmalloc(192, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(lost);
	}
}

static void use_after_free(void)
{
	volatile char *gone = kmalloc(64, GFP_KERNEL);

	if (!gone)
		return;
	kfree((void *)gone);
	pr_info("splat: read %d\n", gone[3]);
}

static void deadlock(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep(void)
{
	spin_lock(&spinlock);
	kfree(kmalloc(64, GFP_KERNEL));
	spin_unlock(&spinlock);
}

static void dma(void)
{
	struct platform_device *device = platform_device_register_simple("splat", -1, NULL, 0);

	if (IS_ERR(device))
		return;
	dma_set_mask_and_coherent(&device->dev, DMA_BIT_MASK(64));
	dma_unmap_single(&device->dev, 0x1234000, 4096, DMA_FROM_DEVICE);
	platform_device_unregister(device);
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "warn", warn },
	{ "oops", oops },
	{ "leak", leak },
	{ "use_after_free", use_after_free },
	{ "deadlock", deadlock },
	{ "sleep", sleep },
	{ "dma", dma },
};

static int __init splat_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (!strcmp(fault, faults[i].name)) {
			faults[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit splat_exit(void)
{
}

module_init(splat_init);
module_exit(splat_exit);
MODULE_DESCRIPTION("Breaks a rule of the kernel on purpose");
MODULE_LICENSE("GPL");
