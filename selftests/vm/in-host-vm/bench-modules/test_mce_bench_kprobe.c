// SPDX-License-Identifier: GPL-2.0
/* What the guard does, by a kprobe: the least that hides a deferred error and counts it. */

#include <linux/atomic.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <asm/mce.h>

static atomic_t guarded[MAX_NR_BANKS];

static int entered(struct kprobe *probe, struct pt_regs *regs)
{
	struct mce *m = (struct mce *)regs->di;

	if (m->status & MCI_STATUS_DEFERRED) {
		m->status &= ~MCI_STATUS_DEFERRED;
		atomic_inc(&guarded[m->bank]);
	}
	return 0;
}

NOKPROBE_SYMBOL(entered);

static struct kprobe probe = {
	.symbol_name = "amd_clear_bank",
	.pre_handler = entered,
};

static int __init bench_kprobe_init(void)
{
	return register_kprobe(&probe);
}

static void __exit bench_kprobe_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(bench_kprobe_init);
module_exit(bench_kprobe_exit);
MODULE_DESCRIPTION("A guard by a kprobe, for the lab of amd_mce_guard");
MODULE_LICENSE("GPL");
