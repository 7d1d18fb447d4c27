// SPDX-License-Identifier: GPL-2.0
/*
 * A function of a module that has the name of the kernel's. It is called when
 * the module goes, and leaves its argument as it is.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/compiler.h>
#include <linux/init.h>
#include <linux/module.h>
#include <asm/mce.h>

static noinline void amd_clear_bank(struct mce *m)
{
	barrier_data(m);
}

static int __init namesake_init(void)
{
	return 0;
}

static void __exit namesake_exit(void)
{
	struct mce m = {
		.status = MCI_STATUS_VAL | MCI_STATUS_EN | MCI_STATUS_DEFERRED,
		.bank = 9,
	};
	void (*clear_bank)(struct mce *m) = amd_clear_bank;

	/* Called in a way the compiler cannot see, it keeps its name and its argument. */
	OPTIMIZER_HIDE_VAR(clear_bank);
	clear_bank(&m);
	pr_info("bank %u status %#llx\n", m.bank, m.status);
}

module_init(namesake_init);
module_exit(namesake_exit);
MODULE_DESCRIPTION("Test module: a function of the same name as the hooked one");
MODULE_LICENSE("GPL");
