// SPDX-License-Identifier: GPL-2.0
/* What the guard does, by an fprobe: the least that hides a deferred error and counts it. */

#include <linux/atomic.h>
#include <linux/fprobe.h>
#include <linux/module.h>
#include <asm/mce.h>

static atomic_t guarded[MAX_NR_BANKS];

static int entered(struct fprobe *probe, unsigned long entry_ip, unsigned long ret_ip,
		   struct ftrace_regs *fregs, void *entry_data)
{
	struct mce *m = (struct mce *)ftrace_regs_get_argument(fregs, 0);

	if (m->status & MCI_STATUS_DEFERRED) {
		m->status &= ~MCI_STATUS_DEFERRED;
		atomic_inc(&guarded[m->bank]);
	}
	return 0;
}

static struct fprobe probe = {
	.entry_handler = entered,
};

static int __init bench_fprobe_init(void)
{
	return register_fprobe(&probe, "amd_clear_bank", NULL);
}

static void __exit bench_fprobe_exit(void)
{
	unregister_fprobe(&probe);
}

module_init(bench_fprobe_init);
module_exit(bench_fprobe_exit);
MODULE_DESCRIPTION("A guard by an fprobe, for the lab of amd_mce_guard");
MODULE_LICENSE("GPL");
