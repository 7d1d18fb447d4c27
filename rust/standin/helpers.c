// SPDX-License-Identifier: GPL-2.0
/*
 * The C side of the stand-in for the kernel's Rust crates: inlines and macros
 * that it uses, and the functions that the kernel calls through a pointer. Those
 * are C so that they have the types that a kernel with kCFI expects; Rust's have
 * only with CONFIG_CFI_ICALL_NORMALIZE_INTEGERS.
 */

#include <linux/bug.h>
#include <linux/errname.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "helpers.h"

void *rust_helper_krealloc(const void *old, size_t size)
{
	return krealloc(old, size, GFP_KERNEL);
}

const char *rust_helper_errname(int error)
{
	return errname(error);
}

void rust_helper_BUG(void)
{
	BUG();
}

void rust_helper_printk(char level, const char *module, const char *text, size_t len)
{
	_printk(KERN_SOH "%c%s: %.*s", level, module, (int)len, text);
}

/* SELFTEST=1: the KUnit suites, which the Makefile lists as SUITE(name); SUITE(name) */
#ifdef STANDIN_SUITES
#define SUITE(name) int rust_kunit_##name(void)
STANDIN_SUITES;
#undef SUITE

static int __init standin_selftest(void)
{
	int failed = 0;

	/* All of them, whatever fails. */
#define SUITE(name) (failed += !!rust_kunit_##name())
	STANDIN_SUITES;
#undef SUITE
	pr_info("selftest: %d suites failed\n", failed);
	return failed ? -EINVAL : 0;
}
#else
static inline int standin_selftest(void)
{
	return 0;
}
#endif

static int __init standin_init(void)
{
	return standin_selftest() ?: rust_module_init();
}
module_init(standin_init);

static void __exit standin_exit(void)
{
	rust_module_exit();
}
module_exit(standin_exit);
