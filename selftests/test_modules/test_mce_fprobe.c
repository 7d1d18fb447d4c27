// SPDX-License-Identifier: GPL-2.0
/* An fprobe on amd_clear_bank(), which hooks its entry and its return. */

#include <linux/fprobe.h>
#include <linux/module.h>

static unsigned int hits;
module_param(hits, uint, 0600);
MODULE_PARM_DESC(hits, "How often the function was entered");

static unsigned int returns;
module_param(returns, uint, 0600);
MODULE_PARM_DESC(returns, "How often the function returned");

static int entered(struct fprobe *probe, unsigned long entry_ip, unsigned long ret_ip,
		   struct FPROBE_REGS *regs, void *entry_data)
{
	hits++;
	return 0;
}

static void returned(struct fprobe *probe, unsigned long entry_ip, unsigned long ret_ip,
		     struct FPROBE_REGS *regs, void *entry_data)
{
	returns++;
}

static struct fprobe probe = {
	.entry_handler = entered,
	.exit_handler = returned,
};

static int __init test_mce_fprobe_init(void)
{
	return register_fprobe(&probe, "amd_clear_bank", NULL);
}

static void __exit test_mce_fprobe_exit(void)
{
	unregister_fprobe(&probe);
}

module_init(test_mce_fprobe_init);
module_exit(test_mce_fprobe_exit);
MODULE_DESCRIPTION("An fprobe on amd_clear_bank(), for the tests of amd_mce_guard");
MODULE_LICENSE("GPL");
