/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AMD_MCE_GUARD_HELPERS_H
#define AMD_MCE_GUARD_HELPERS_H

#include <linux/types.h>

struct ftrace_regs;

bool rust_helper_boot_cpu_has(unsigned int feature);
u8 rust_helper_boot_cpu_vendor(void);
unsigned long rust_helper_ftrace_regs_get_argument(struct ftrace_regs *fregs, unsigned int n);

#endif
