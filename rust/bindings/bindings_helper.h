/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module uses of the kernel's C side and the kernel crate does not
 * offer. Macros that bindgen cannot evaluate become constants here.
 */

#include <linux/debugfs.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <asm/cpufeatures.h>
#include <asm/mce.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

#include "../helpers/helpers.h"

const unsigned int RUST_CONST_HELPER_FTRACE_OPS_FL_ENABLED = FTRACE_OPS_FL_ENABLED;
const unsigned int RUST_CONST_HELPER_FTRACE_OPS_FL_PERMANENT = FTRACE_OPS_FL_PERMANENT;

/* Bit 63; bindgen evaluates constants as signed. */
const s64 RUST_CONST_HELPER_MCI_STATUS_VAL = MCI_STATUS_VAL;
const u64 RUST_CONST_HELPER_MCI_STATUS_OVER = MCI_STATUS_OVER;
const u64 RUST_CONST_HELPER_MCI_STATUS_UC = MCI_STATUS_UC;
const u64 RUST_CONST_HELPER_MCI_STATUS_ADDRV = MCI_STATUS_ADDRV;
const u64 RUST_CONST_HELPER_MCI_STATUS_PCC = MCI_STATUS_PCC;
const u64 RUST_CONST_HELPER_MCI_STATUS_DEFERRED = MCI_STATUS_DEFERRED;
const u64 RUST_CONST_HELPER_MCI_STATUS_POISON = MCI_STATUS_POISON;

const unsigned int RUST_CONST_HELPER_EOPNOTSUPP = EOPNOTSUPP;
const unsigned int RUST_CONST_HELPER_KSYM_SYMBOL_LEN = KSYM_SYMBOL_LEN;
const u32 RUST_CONST_HELPER_MSR_AMD64_SMCA_MC0_DESTAT = MSR_AMD64_SMCA_MC0_DESTAT;
const unsigned int RUST_CONST_HELPER_X86_FEATURE_MCE = X86_FEATURE_MCE;
const unsigned int RUST_CONST_HELPER_X86_FEATURE_MCA = X86_FEATURE_MCA;
const unsigned int RUST_CONST_HELPER_X86_FEATURE_SMCA = X86_FEATURE_SMCA;
const unsigned int RUST_CONST_HELPER_X86_VENDOR_AMD = X86_VENDOR_AMD;
