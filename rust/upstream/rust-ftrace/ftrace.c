// SPDX-License-Identifier: GPL-2.0

#include <linux/ftrace.h>

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
/* Callbacks of ftrace call it. */
__rust_helper notrace unsigned long
rust_helper_ftrace_regs_get_argument(struct ftrace_regs *fregs, unsigned int n)
{
	return ftrace_regs_get_argument(fregs, n);
}

#if IS_ENABLED(CONFIG_KUNIT)
/* For the tests of rust/kernel/ftrace.rs to hook. */
noinline void rust_helper_ftrace_test_one(unsigned long *value)
{
	asm volatile("" : "+m" (*value));
}

noinline void rust_helper_ftrace_test_two(unsigned long *value)
{
	asm volatile("" : "+m" (*value));
}
#endif
#endif
