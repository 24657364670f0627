// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device is let go of late, and slowly, as any part of the kernel may do that has a
 * reference to it. FOR TESTS ONLY.
 *
 * insmod keep.ko parent=0000:01:00.0 device=grabber0
 * echo 1 >/sys/module/keep/parameters/let_go
 *
 * Who frees the device at last is preempted for @ms before he wakes up anybody who waits in a
 * queue of module grabber's own; @state says so. That need not be who let go of it: a kernel
 * with CONFIG_DEBUG_KOBJECT_RELEASE frees it up to four seconds later, in a thread of its own.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/wait.h>

static char *parent;
module_param(parent, charp, 0);
MODULE_PARM_DESC(parent, "PCI device that has the device for a child");

static char *device;
module_param(device, charp, 0);
MODULE_PARM_DESC(device, "name of the device");

static unsigned int ms = 3000;
module_param(ms, uint, 0);
MODULE_PARM_DESC(ms, "for how long who wakes others is preempted, milliseconds");

static char *state = "kept";
module_param(state, charp, 0444);
MODULE_PARM_DESC(state, "of the device: kept, let go, waking (who frees it is preempted), freed");

static struct device *kept;
static struct kobject *freeing;

static void preempted_wake_up(struct wait_queue_head *queue, unsigned int mode, int count,
			      void *key)
{
	WRITE_ONCE(state, "waking");
	msleep(ms);
	__wake_up(queue, mode, count, key);
}

/* The card's own queues are in memory that it got, and have no name. */
static int before_wake_up(struct kprobe *probe, struct pt_regs *regs)
{
	char name[KSYM_SYMBOL_LEN];

	if (strcmp(READ_ONCE(state), "let go"))
		return 0;
	sprint_symbol(name, regs_get_kernel_argument(regs, 0));
	if (!strstr(name, "[grabber]"))
		return 0;
	instruction_pointer_set(regs, (unsigned long)preempted_wake_up);
	return 1;
}

/* With one of these the breakpoint stays one; a jump in its place cannot change the path. */
static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe wake_up_probe = {
	.symbol_name = "__wake_up",
	.pre_handler = before_wake_up,
	.post_handler = after,
};

/* Whether it is the one: others need not be told of their end. */
static int before_release(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return (struct kobject *)regs_get_kernel_argument(regs, 0) != READ_ONCE(freeing);
}

static int after_release(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	WRITE_ONCE(state, "freed");
	return 0;
}

static struct kretprobe release_probe = {
	.kp.symbol_name = "device_release",
	.entry_handler = before_release,
	.handler = after_release,
};

static int let_go_set(const char *text, const struct kernel_param *param)
{
	struct device *dev = xchg(&kept, NULL);

	if (!dev)
		return -ENODEV;
	WRITE_ONCE(freeing, &dev->kobj);
	WRITE_ONCE(state, "let go");
	put_device(dev);
	return 0;
}

static const struct kernel_param_ops let_go_ops = {
	.set = let_go_set,
};
module_param_cb(let_go, &let_go_ops, NULL, 0200);
MODULE_PARM_DESC(let_go, "let go of it now");

static int __init keep_init(void)
{
	struct device *pci = bus_find_device_by_name(&pci_bus_type, NULL, parent);
	int err;

	if (!pci)
		return -ENODEV;
	kept = device_find_child_by_name(pci, device);
	put_device(pci);
	if (!kept)
		return -ENODEV;
	err = register_kprobe(&wake_up_probe);
	if (err)
		goto put;
	err = register_kretprobe(&release_probe);
	if (!err)
		return 0;
	unregister_kprobe(&wake_up_probe);
put:
	put_device(kept);
	return err;
}

static void __exit keep_exit(void)
{
	unregister_kretprobe(&release_probe);
	unregister_kprobe(&wake_up_probe);
	put_device(kept);
}

module_init(keep_init);
module_exit(keep_exit);
MODULE_DESCRIPTION("A device is let go of late");
MODULE_LICENSE("GPL");
