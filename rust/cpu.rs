// SPDX-License-Identifier: GPL-2.0

//! The CPU, as far as clearing a bank depends on it.
//!
//! C header: [`arch/x86/include/asm/processor.h`](srctree/arch/x86/include/asm/processor.h)

use crate::bindings;

/// What clearing a bank depends on in the CPU.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    /// Made by AMD (`X86_VENDOR_AMD`; Hygon is a vendor of its own).
    pub(crate) amd: bool,
    /// Has machine checks (`X86_FEATURE_MCE`, `X86_FEATURE_MCA`), hence banks to poll.
    pub(crate) mca: bool,
    /// Has scalable MCA (`X86_FEATURE_SMCA`), hence MCA_DESTAT registers. The fixed
    /// `amd_clear_bank()` asks `mce_flags.smca`, which the kernel has set from this.
    pub(crate) smca: bool,
}

impl Cpu {
    /// The boot CPU (`boot_cpu_data`); Linux runs on no machine whose CPUs differ in these.
    pub(crate) fn boot() -> Self {
        // SAFETY: Reads a field that is not written to once modules can be loaded.
        let vendor = unsafe { bindings::rust_helper_boot_cpu_vendor() };
        // SAFETY: The features are the kernel's, so their bits are within the bitmap. A CPU that
        // comes online meanwhile may clear bits there; a bit is read as it was before or after.
        let has = |feature| unsafe { bindings::rust_helper_boot_cpu_has(feature) };

        Self {
            amd: vendor == bindings::X86_VENDOR_AMD,
            mca: has(bindings::X86_FEATURE_MCE) && has(bindings::X86_FEATURE_MCA),
            smca: has(bindings::X86_FEATURE_SMCA),
        }
    }
}
