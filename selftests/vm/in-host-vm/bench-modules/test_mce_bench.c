// SPDX-License-Identifier: GPL-2.0
/*
 * What machine_check_poll() costs: the time stamp counter before and after, with
 * errors in the banks and without. In a VM whose time is its instructions
 * (-icount shift=0), that is how many there were.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <asm/mce.h>
#include <asm/msr.h>

#define CORRECTED (MCI_STATUS_VAL | MCI_STATUS_EN)
#define DEFERRED (CORRECTED | MCI_STATUS_DEFERRED)

static mce_banks_t banks;

static noinline u64 poll(unsigned int errors, u64 status)
{
	unsigned long flags;
	u64 before, after;
	unsigned int bank;

	local_irq_save(flags);
	for (bank = 0; bank < errors; bank++)
		wrmsrl(MSR_IA32_MC0_STATUS + 4 * bank, status);
	before = rdtsc();
	machine_check_poll(0, &banks);
	after = rdtsc();
	local_irq_restore(flags);
	/* The records go on to whoever wants them. */
	msleep(100);
	return after - before;
}

/* The least of some: the first time, and now and then, things happen that are not the poll's. */
static u64 least(unsigned int errors, u64 status)
{
	u64 cost = U64_MAX;
	unsigned int i;

	for (i = 0; i < 5; i++)
		cost = min(cost, poll(errors, status));
	return cost;
}

/*
 * A poll has a part that does not depend on errors and is not always the same:
 * how it tracks storms, for one, depends on the time. So an error costs what it
 * adds to a poll that finds another one.
 */
static void bench(const char *what, unsigned int banks, u64 status)
{
	u64 one = least(1, status), all = least(banks, status);

	pr_info("%s %llu\n", what, (all - one) / (banks - 1));
}

static int __init test_mce_bench_init(void)
{
	u64 count;

	rdmsrl(MSR_IA32_MCG_CAP, count);
	count &= MCG_BANKCNT_MASK;
	if (count < 2)
		return -ENODEV;
	bitmap_fill(banks, MAX_NR_BANKS);
	pr_info("nothing %llu\n", least(0, 0));
	bench("corrected", count, CORRECTED);
	bench("deferred", count, DEFERRED);
	if (count >= 10)
		pr_info("ten %llu\n", least(10, DEFERRED));
	return -ECANCELED;
}

module_init(test_mce_bench_init);
MODULE_DESCRIPTION("The cost of machine_check_poll(), for the lab of amd_mce_guard");
MODULE_LICENSE("GPL");
