// SPDX-License-Identifier: GPL-2.0
/*
 * While this is loaded, register_ftrace_function() says that it has done its
 * work and does nothing; so does unregister_ftrace_function().
 */

#include <linux/kprobes.h>
#include <linux/module.h>

static noinline notrace void just_return(void)
{
}

static int skip(struct kprobe *p, struct pt_regs *regs)
{
	regs->ax = 0;
	regs->ip = (unsigned long)just_return;
	return 1;
}

NOKPROBE_SYMBOL(skip);

/* A probe that has one is not optimized into a jump, which returns to the function. */
static void nothing(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe registering = {
	.symbol_name = "register_ftrace_function",
	.pre_handler = skip,
	.post_handler = nothing,
};

static struct kprobe unregistering = {
	.symbol_name = "unregister_ftrace_function",
	.pre_handler = skip,
	.post_handler = nothing,
};

static struct kprobe *probes[] = { &registering, &unregistering };

static int __init test_mce_unhooked_init(void)
{
	return register_kprobes(probes, ARRAY_SIZE(probes));
}

static void __exit test_mce_unhooked_exit(void)
{
	unregister_kprobes(probes, ARRAY_SIZE(probes));
}

module_init(test_mce_unhooked_init);
module_exit(test_mce_unhooked_exit);
MODULE_DESCRIPTION("ftrace that hooks nothing, for the tests of amd_mce_guard");
MODULE_LICENSE("GPL");
