// SPDX-License-Identifier: GPL-2.0
/* A kprobe at the entry of amd_clear_bank(), which shares its ftrace site with the guard. */

#include <linux/kprobes.h>
#include <linux/module.h>

static unsigned int hits;
module_param(hits, uint, 0600);
MODULE_PARM_DESC(hits, "How often the probe was hit");

static int entered(struct kprobe *p, struct pt_regs *regs)
{
	hits++;
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "amd_clear_bank",
	.pre_handler = entered,
};

static int __init test_mce_kprobe_init(void)
{
	return register_kprobe(&probe);
}

static void __exit test_mce_kprobe_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(test_mce_kprobe_init);
module_exit(test_mce_kprobe_exit);
MODULE_DESCRIPTION("A kprobe on amd_clear_bank(), for the tests of amd_mce_guard");
MODULE_LICENSE("GPL");
