// SPDX-License-Identifier: GPL-2.0
/*
 * A direct caller of ftrace: amd_clear_bank() calls the trampoline here and not
 * ftrace, as long as nobody else hooks that function.
 */

#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/string.h>
#include <asm/ibt.h>
#include <asm/nospec-branch.h>

unsigned int test_mce_direct_hits;
module_param_named(hits, test_mce_direct_hits, uint, 0600);
MODULE_PARM_DESC(hits, "How often the trampoline was called");

/* It touches no register, and returns to amd_clear_bank(). */
asm ("	.pushsection	.text, \"ax\", @progbits\n"
"	.type		test_mce_trampoline, @function\n"
"test_mce_trampoline:\n"
	ASM_ENDBR
"	lock incl	test_mce_direct_hits(%rip)\n"
	ASM_RET
"	.size		test_mce_trampoline, .-test_mce_trampoline\n"
"	.popsection\n"
);

static struct ftrace_ops direct;
static unsigned long trampoline;

static int __init test_mce_direct_init(void)
{
	char name[] = "amd_clear_bank";
	int err;

	asm ("leaq test_mce_trampoline(%%rip), %0" : "=r" (trampoline));
	err = ftrace_set_filter(&direct, name, strlen(name), 1);
	if (!err)
		err = register_ftrace_direct(&direct, trampoline);
	if (err)
		ftrace_free_filter(&direct);
	return err;
}

static void __exit test_mce_direct_exit(void)
{
	unregister_ftrace_direct(&direct, trampoline, true);
}

module_init(test_mce_direct_init);
module_exit(test_mce_direct_exit);
MODULE_DESCRIPTION("A direct caller at amd_clear_bank(), for the tests of amd_mce_guard");
MODULE_LICENSE("GPL");
