// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function is slow: each call of it waits before it begins, with the locks and the
 * interrupts as its caller has them. So what other processors can see meanwhile is seen.
 * FOR TESTS ONLY; see nodes.slow().
 *
 * insmod slow.ko function=grabber_status_done ms=5
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static char *function;
module_param(function, charp, 0);
MODULE_PARM_DESC(function, "name of the function");

static unsigned int ms;
module_param(ms, uint, 0);
MODULE_PARM_DESC(ms, "how long each call waits, milliseconds");

static unsigned int calls;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "how many there were");

static int wait_first(struct kprobe *probe, struct pt_regs *regs)
{
	WRITE_ONCE(calls, calls + 1);
	mdelay(ms);
	return 0;
}

static struct kprobe probe = {
	.pre_handler = wait_first,
};

static int __init slow_init(void)
{
	probe.symbol_name = function;
	return register_kprobe(&probe);
}

static void __exit slow_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(slow_init);
module_exit(slow_exit);
MODULE_DESCRIPTION("A function is slow");
MODULE_LICENSE("GPL");
