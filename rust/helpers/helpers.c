// SPDX-License-Identifier: GPL-2.0
/*
 * Inlines and macros that Rust cannot call. Built without fentry, see Kbuild:
 * the ftrace callback calls in here.
 */

#include <linux/bitmap.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/processor.h>

#include "helpers.h"

bool rust_helper_boot_cpu_has(unsigned int feature)
{
	return boot_cpu_has(feature);
}

unsigned int rust_helper_boot_cpu_vendor(void)
{
	return boot_cpu_data.x86_vendor;
}

struct dentry *rust_helper_debugfs_create_dir(const char *name, struct dentry *parent)
{
	return debugfs_create_dir(name, parent);
}

void rust_helper_debugfs_create_u64(const char *name, umode_t mode, struct dentry *parent,
				    u64 *value)
{
	debugfs_create_u64(name, mode, parent, value);
}

void rust_helper_debugfs_remove(struct dentry *dentry)
{
	debugfs_remove(dentry);
}

/*
 * What the kernel calls through a pointer. With kCFI it compares the type of
 * what it calls so with its own compiler's idea of it, which rustc shares only
 * with CONFIG_CFI_ICALL_NORMALIZE_INTEGERS. So these are C.
 */
void rust_helper_amd_clear_bank_entered(unsigned long ip, unsigned long parent_ip,
					struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	rust_amd_clear_bank_entered(ip, parent_ip, ops,
				    (void *)ftrace_regs_get_argument(fregs, 0));
}

static void poll_this_cpu(void *unused)
{
	mce_banks_t banks;

	bitmap_fill(banks, MAX_NR_BANKS);
	machine_check_poll(0, &banks);
}

void rust_helper_poll_each_cpu(void)
{
	on_each_cpu(poll_this_cpu, NULL, 1);
}

/* A CPU that does not answer must not keep the machine from rebooting. */
int rust_helper_sweep_at_reboot(struct notifier_block *notifier, unsigned long action, void *data)
{
	on_each_cpu(poll_this_cpu, NULL, 0);
	msleep(100);
	return NOTIFY_DONE;
}

/* The module! macro has no key for the version. */
MODULE_VERSION(AMD_MCE_GUARD_VERSION);
