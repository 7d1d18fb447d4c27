// SPDX-License-Identifier: GPL-2.0
/*
 * While this is loaded, register_ftrace_function() says that it has hooked what
 * the guard wants to hook, and does nothing. Others get what they want.
 */

#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>

static noinline notrace void just_return(void)
{
}

/* What was not registered, and must not be unregistered. */
static struct ftrace_ops *skipped;

static int skip(struct pt_regs *regs)
{
	regs->ax = 0;
	regs->ip = (unsigned long)just_return;
	return 1;
}

static int register_nothing(struct kprobe *p, struct pt_regs *regs)
{
	struct ftrace_ops *ops = (struct ftrace_ops *)regs->di;
	char func[KSYM_SYMBOL_LEN];

	sprint_symbol(func, (unsigned long)ops->func);
	if (!strstr(func, "[amd_mce_guard]"))
		return 0;
	skipped = ops;
	ops->flags |= FTRACE_OPS_FL_ENABLED;
	return skip(regs);
}

static int unregister_nothing(struct kprobe *p, struct pt_regs *regs)
{
	struct ftrace_ops *ops = (struct ftrace_ops *)regs->di;

	if (ops != skipped)
		return 0;
	skipped = NULL;
	ops->flags &= ~FTRACE_OPS_FL_ENABLED;
	return skip(regs);
}

/* A probe that has one is not optimized into a jump, which returns to the function. */
static void nothing(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe registering = {
	.symbol_name = "register_ftrace_function",
	.pre_handler = register_nothing,
	.post_handler = nothing,
};

static struct kprobe unregistering = {
	.symbol_name = "unregister_ftrace_function",
	.pre_handler = unregister_nothing,
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
