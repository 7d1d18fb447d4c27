// SPDX-License-Identifier: GPL-2.0
/*
 * What the KUnit tests need of C. Built without fentry, as helpers.c.
 */

#include <linux/ftrace.h>

#include "helpers.h"

void rust_helper_sprint_symbol_entered(unsigned long ip, unsigned long parent_ip,
				       struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	rust_sprint_symbol_entered(ip, ops, (void *)ftrace_regs_get_argument(fregs, 0));
}
