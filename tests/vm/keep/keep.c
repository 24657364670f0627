// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device is let go of late, and slowly, as any part of the kernel may do that has a
 * reference to it. FOR TESTS ONLY.
 *
 * insmod keep.ko parent=0000:01:00.0 device=grabber0
 * echo 1 >/sys/module/keep/parameters/let_go
 *
 * While it is let go of, the code that is told so is preempted for @ms before it wakes up
 * anybody who waits in a queue of module grabber.
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

static struct device *kept;
static struct task_struct *slow;

static void preempted_wake_up(struct wait_queue_head *queue, unsigned int mode, int count,
			      void *key)
{
	msleep(ms);
	__wake_up(queue, mode, count, key);
}

static int before_wake_up(struct kprobe *probe, struct pt_regs *regs)
{
	char name[KSYM_SYMBOL_LEN];

	if (current != READ_ONCE(slow))
		return 0;
	sprint_symbol(name, regs_get_kernel_argument(regs, 0));
	if (!strstr(name, "[grabber]"))
		return 0;
	WRITE_ONCE(slow, NULL);
	instruction_pointer_set(regs, (unsigned long)preempted_wake_up);
	return 1;
}

/* With one of these the breakpoint stays one; a jump in its place cannot change the path. */
static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.symbol_name = "__wake_up",
	.pre_handler = before_wake_up,
	.post_handler = after,
};

static int let_go_set(const char *text, const struct kernel_param *param)
{
	WRITE_ONCE(slow, current);
	put_device(xchg(&kept, NULL));
	WRITE_ONCE(slow, NULL);
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

	if (!pci)
		return -ENODEV;
	kept = device_find_child_by_name(pci, device);
	put_device(pci);
	if (!kept)
		return -ENODEV;
	return register_kprobe(&probe);
}

static void __exit keep_exit(void)
{
	unregister_kprobe(&probe);
	put_device(kept);
}

module_init(keep_init);
module_exit(keep_exit);
MODULE_DESCRIPTION("A device is let go of late");
MODULE_LICENSE("GPL");
