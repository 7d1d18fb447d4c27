// SPDX-License-Identifier: GPL-2.0
/*
 * Livepatches amd_clear_bank() with what it has to do on a CPU without SMCA,
 * and tells the record that it was handed.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/livepatch.h>
#include <linux/module.h>
#include <asm/mce.h>
#include <asm/msr.h>

static unsigned int calls;
module_param(calls, uint, 0600);
MODULE_PARM_DESC(calls, "How often the function was called in place of the kernel's");

static u64 status;
module_param(status, ullong, 0600);
MODULE_PARM_DESC(status, "The status that the function was last called with");

static void test_mce_clear_bank(struct mce *m)
{
	calls++;
	status = m->status;
	pr_info("bank %u status %#llx\n", m->bank, m->status);
	wrmsr_safe(MSR_IA32_MC0_STATUS + 4 * m->bank, 0, 0);
}

static struct klp_func funcs[] = {
	{
		.old_name = "amd_clear_bank",
		.new_func = test_mce_clear_bank,
	}, { }
};

static struct klp_object objs[] = {
	{
		.funcs = funcs,
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int __init test_mce_livepatch_init(void)
{
	if (boot_cpu_has(X86_FEATURE_SMCA))
		return -ENODEV;
	return klp_enable_patch(&patch);
}

static void __exit test_mce_livepatch_exit(void)
{
}

module_init(test_mce_livepatch_init);
module_exit(test_mce_livepatch_exit);
MODULE_DESCRIPTION("A livepatch of amd_clear_bank(), for the tests of amd_mce_guard");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
