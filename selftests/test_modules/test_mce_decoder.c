// SPDX-License-Identifier: GPL-2.0
/*
 * A decoder of machine check errors, as EDAC has one: what it takes the kernel
 * does not print, and thousands of errors do not take the console's time.
 */

#include <linux/module.h>
#include <linux/notifier.h>
#include <asm/mce.h>

static int decode(struct notifier_block *nb, unsigned long action, void *data)
{
	struct mce *m = data;

	m->kflags |= MCE_HANDLED_EDAC;
	return NOTIFY_OK;
}

static struct notifier_block decoder = {
	.notifier_call = decode,
	.priority = MCE_PRIO_EDAC,
};

static int __init test_mce_decoder_init(void)
{
	mce_register_decode_chain(&decoder);
	return 0;
}

static void __exit test_mce_decoder_exit(void)
{
	mce_unregister_decode_chain(&decoder);
}

module_init(test_mce_decoder_init);
module_exit(test_mce_decoder_exit);
MODULE_DESCRIPTION("A decoder that prints nothing, for the tests of amd_mce_guard");
MODULE_LICENSE("GPL");
