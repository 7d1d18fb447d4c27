// SPDX-License-Identifier: GPL-2.0
/* The least that can be done at an ftrace hook: hides a deferred error and counts it. */

#include <linux/atomic.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <asm/mce.h>

static atomic_t guarded;

static void notrace entered(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			    struct ftrace_regs *fregs)
{
	struct mce *m = (struct mce *)ftrace_regs_get_argument(fregs, 0);

	if (m->status & MCI_STATUS_DEFERRED) {
		m->status &= ~MCI_STATUS_DEFERRED;
		atomic_inc(&guarded);
	}
}

static struct ftrace_ops ops = {
	.func = entered,
};

static int __init bench_least_init(void)
{
	return ftrace_set_filter(&ops, "amd_clear_bank", strlen("amd_clear_bank"), 1) ?:
	       register_ftrace_function(&ops);
}

static void __exit bench_least_exit(void)
{
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}

module_init(bench_least_init);
module_exit(bench_least_exit);
MODULE_DESCRIPTION("A guard in C, for the lab of amd_mce_guard");
MODULE_LICENSE("GPL");
