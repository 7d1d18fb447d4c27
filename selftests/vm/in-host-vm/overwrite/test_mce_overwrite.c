// SPDX-License-Identifier: GPL-2.0
/*
 * Overwrites the place that ftrace has at the entry of a function with a nop of
 * another kind: the function works as before, and ftrace fails on it. This kills
 * ftrace sooner or later; for VMs of the lab only.
 */

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/smp.h>

static char *function = "amd_clear_bank";
module_param(function, charp, 0400);
MODULE_PARM_DESC(function, "Whose entry to overwrite");

/* Where a function has its place for ftrace; callers may as well begin there. */
static void *entry(const char *name)
{
	struct kprobe probe = { .symbol_name = name };
	int ret = register_kprobe(&probe);

	if (ret)
		return ERR_PTR(ret);
	unregister_kprobe(&probe);
	return probe.addr;
}

static void nothing(void *unused)
{
}

static int __init test_mce_overwrite_init(void)
{
	static const u8 nop[] = { 0x66, 0x66, 0x66, 0x66, 0x90 };
	void *(*poke)(void *addr, const void *code, size_t len) = entry("text_poke");
	void *place = entry(function);

	if (IS_ERR(poke) || IS_ERR(place))
		return -ENOENT;
	poke(place, nop, sizeof(nop));
	/* An interrupt is what makes a CPU look at its code again. */
	on_each_cpu(nothing, NULL, 1);
	return 0;
}

static void __exit test_mce_overwrite_exit(void)
{
}

module_init(test_mce_overwrite_init);
module_exit(test_mce_overwrite_exit);
MODULE_DESCRIPTION("An entry that ftrace does not know, for the lab of amd_mce_guard");
MODULE_LICENSE("GPL");
