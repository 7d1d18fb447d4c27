/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AMD_MCE_GUARD_HELPERS_H
#define AMD_MCE_GUARD_HELPERS_H

#include <linux/types.h>

struct dentry;
struct ftrace_ops;
struct ftrace_regs;
struct notifier_block;

bool rust_helper_boot_cpu_has(unsigned int feature);
unsigned int rust_helper_boot_cpu_vendor(void);

void rust_helper_amd_clear_bank_entered(unsigned long ip, unsigned long parent_ip,
					struct ftrace_ops *ops, struct ftrace_regs *fregs);

void rust_helper_poll_each_cpu(void);
int rust_helper_sweep_at_reboot(struct notifier_block *notifier, unsigned long action, void *data);

struct dentry *rust_helper_debugfs_create_dir(const char *name, struct dentry *parent);
void rust_helper_debugfs_create_u64(const char *name, umode_t mode, struct dentry *parent,
				    u64 *value);
void rust_helper_debugfs_remove(struct dentry *dentry);
void rust_helper_sprint_symbol_entered(unsigned long ip, unsigned long parent_ip,
				       struct ftrace_ops *ops, struct ftrace_regs *fregs);

/* Made in hook.rs, and in the tests of ftrace.rs. */
void rust_amd_clear_bank_entered(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
				 void *record);
void rust_sprint_symbol_entered(unsigned long ip, struct ftrace_ops *ops, void *buffer);

#endif
