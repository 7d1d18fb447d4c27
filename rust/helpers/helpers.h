/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AMD_MCE_GUARD_HELPERS_H
#define AMD_MCE_GUARD_HELPERS_H

#include <linux/types.h>

struct debugfs_u32_array;
struct dentry;
struct ftrace_regs;

bool rust_helper_boot_cpu_has(unsigned int feature);
u8 rust_helper_boot_cpu_vendor(void);
unsigned long rust_helper_ftrace_regs_get_argument(struct ftrace_regs *fregs, unsigned int n);

struct dentry *rust_helper_debugfs_create_dir(const char *name, struct dentry *parent);
void rust_helper_debugfs_create_u64(const char *name, umode_t mode, struct dentry *parent,
				    u64 *value);
void rust_helper_debugfs_create_u32_array(const char *name, umode_t mode,
					  struct dentry *parent,
					  struct debugfs_u32_array *array);
void rust_helper_debugfs_remove(struct dentry *dentry);
int rust_helper_printk(const char *format, const char *module, const void *arguments);

#endif
