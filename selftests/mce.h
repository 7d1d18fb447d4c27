/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The MSRs of machine check banks, and what is in them.
 */
#ifndef MCE_H
#define MCE_H

#define MSR_MCG_CAP		0x179
#define MSR_MCI_STATUS(bank)	(0x401 + 4 * (bank))
#define MSR_MCI_ADDR(bank)	(0x402 + 4 * (bank))
#define MSR_MCI_MISC(bank)	(0x403 + 4 * (bank))

/* Without it a write of anything but 0 to MCi_STATUS faults. */
#define MSR_HWCR		0xc0010015
#define HWCR_MC_STATUS_WR_EN	0x40000

#define MCI_STATUS_VAL		0x8000000000000000ULL
#define MCI_STATUS_OVER		0x4000000000000000ULL
#define MCI_STATUS_EN		0x1000000000000000ULL
#define MCI_STATUS_MISCV	0x800000000000000ULL
#define MCI_STATUS_ADDRV	0x400000000000000ULL
#define MCI_STATUS_DEFERRED	0x100000000000ULL
#define MCI_STATUS_POISON	0x80000000000ULL

/* In MCi_MISC: the address is a physical one, and names a page. */
#define MISC_PAGE		0x8c

/* CPUID: how many bits a physical address has. */
#define LEAF_ADDRESS_SIZES	0x80000008

#endif
