// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function of the kernel's refuses, once: the next call of it is not entered, and gives
 * back a value of the test's choice. FOR TESTS ONLY; see nodes.refusing().
 *
 * The kernel's own fault injection (fail_function) would do the same, but asks for random
 * numbers inside the breakpoint, which lockdep minds (6.1).
 *
 * insmod refuse.ko function=dma_set_mask value=-5
 */
#include <linux/kprobes.h>
#include <linux/module.h>

static char *function;
module_param(function, charp, 0);
MODULE_PARM_DESC(function, "name of the function");

static long value;
module_param(value, long, 0);
MODULE_PARM_DESC(value, "what it gives back");

static bool refused;
module_param(refused, bool, 0444);
MODULE_PARM_DESC(refused, "it was called");

/* Runs instead of the function, on the same stack: returns to its caller. */
static long instead(void)
{
	return value;
}

static int refuse(struct kprobe *probe, struct pt_regs *regs)
{
	if (xchg(&refused, true))
		return 0;
	instruction_pointer_set(regs, (unsigned long)instead);
	return 1;
}

/* With one of these the breakpoint stays one; a jump in its place cannot change the path. */
static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.pre_handler = refuse,
	.post_handler = after,
};

static int __init refuse_init(void)
{
	probe.symbol_name = function;
	return register_kprobe(&probe);
}

static void __exit refuse_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(refuse_init);
module_exit(refuse_exit);
MODULE_DESCRIPTION("A function of the kernel's refuses, once");
MODULE_LICENSE("GPL");
