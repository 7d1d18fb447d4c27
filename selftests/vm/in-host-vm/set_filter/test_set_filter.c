// SPDX-License-Identifier: GPL-2.0
/* Hooks one function, by its name, and does nothing there. */

#include <linux/ftrace.h>
#include <linux/module.h>

static void notrace entered(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			    struct ftrace_regs *fregs)
{
}

static struct ftrace_ops ops = {
	.func = entered,
};

static int __init set_filter_init(void)
{
	return ftrace_set_filter(&ops, "amd_clear_bank", strlen("amd_clear_bank"), 1) ?:
	       register_ftrace_function(&ops);
}

static void __exit set_filter_exit(void)
{
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}

module_init(set_filter_init);
module_exit(set_filter_exit);
MODULE_DESCRIPTION("A hook by name, for the lab of amd_mce_guard");
MODULE_LICENSE("GPL");
