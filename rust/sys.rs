// SPDX-License-Identifier: GPL-2.0

//! What the module asks of the kernel's C side and the kernel crate does not offer: the function
//! it hooks, the CPU it runs on, and files in debugfs that may be open when it is unloaded.

use core::sync::atomic::{AtomicU32, AtomicU64};

use kernel::prelude::*;

use crate::{
    bindings, ftrace,
    mca::{Cpu, Record},
};

/// `void amd_clear_bank(struct mce *m)`, which `machine_check_poll()` calls for each bank whose
/// error it has logged.
///
/// C source: [`arch/x86/kernel/cpu/mce/amd.c`](srctree/arch/x86/kernel/cpu/mce/amd.c)
pub(crate) struct AmdClearBank;

// SAFETY: The kernel has one function of this name. `m` is a local of `machine_check_poll()`, the
// only caller, and so nobody else's; `Record` is a transparent `struct mce`, of which any bit
// pattern is valid.
unsafe impl ftrace::Function for AmdClearBank {
    type Arg = Record;
    const NAME: &'static CStr = c"amd_clear_bank";
}

/// The boot CPU (`boot_cpu_data`); Linux runs on no machine whose CPUs differ in these.
pub(crate) fn boot_cpu() -> Cpu {
    // SAFETY: Reads a field that is not written to once modules can be loaded.
    let vendor = unsafe { bindings::rust_helper_boot_cpu_vendor() };
    // SAFETY: The feature is one of the kernel's, so its bit is within the bitmap. A CPU that comes
    // online meanwhile may clear bits there; a bit is read as it was before or after that.
    let smca = unsafe { bindings::rust_helper_boot_cpu_has(bindings::X86_FEATURE_SMCA) };

    Cpu {
        amd: vendor == bindings::X86_VENDOR_AMD,
        smca,
    }
}

/// A directory in debugfs with files of numbers, for root to read.
///
/// The operations of these files are in the kernel. The tables of those of [`kernel::debugfs`] are
/// in the module that uses it and do not name it as their owner, so that the kernel reads a table
/// that has gone when somebody closes a file after the module has.
///
/// Without CONFIG_DEBUG_FS this does nothing, and if debugfs refuses a file there is none: neither
/// is a reason not to guard.
///
/// C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)
///
/// # Invariants
///
/// `dentry` is what `debugfs_create_dir()` returned, and each of `lines` is unchanged since a file
/// of that directory was made with it.
pub(crate) struct Dir {
    dentry: *mut bindings::dentry,
    lines: KVec<KBox<bindings::debugfs_u32_array>>,
}

// SAFETY: debugfs has locks of its own, and the pointers are used in `drop` only.
unsafe impl Send for Dir {}

// SAFETY: There is nothing to do with a shared reference.
unsafe impl Sync for Dir {}

impl Dir {
    /// Who may do what with the files: root may read them.
    const MODE: bindings::umode_t = 0o400;

    /// Makes the directory `name`.
    pub(crate) fn new(name: &CStr) -> Self {
        Self {
            // SAFETY: `name` is NUL-terminated and is copied; no parent means the root of debugfs.
            dentry: unsafe {
                bindings::rust_helper_debugfs_create_dir(name.as_char_ptr(), core::ptr::null_mut())
            },
            lines: KVec::new(),
        }
    }

    /// Makes a file that shows `value`.
    pub(crate) fn number(&self, name: &CStr, value: &'static AtomicU64) {
        // SAFETY: `name` is NUL-terminated and is copied. `dentry` is a directory or an error,
        // which debugfs takes for one. `value` is there until the module goes, and is only read.
        unsafe {
            bindings::rust_helper_debugfs_create_u64(
                name.as_char_ptr(),
                Self::MODE,
                self.dentry,
                value.as_ptr(),
            )
        }
    }

    /// Makes a file that shows `values` in one line.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub(crate) fn line(&mut self, name: &CStr, values: &'static [AtomicU32]) -> Result {
        let line = KBox::new(
            bindings::debugfs_u32_array {
                array: values.as_ptr().cast_mut().cast(),
                n_elements: values.len().try_into()?,
            },
            GFP_KERNEL,
        )?;
        let shown = core::ptr::from_ref(&*line).cast_mut();

        self.lines.push(line, GFP_KERNEL)?;
        // SAFETY: As in `number()`; `shown` stays where it is until `drop` has removed the file.
        unsafe {
            bindings::rust_helper_debugfs_create_u32_array(
                name.as_char_ptr(),
                Self::MODE,
                self.dentry,
                shown,
            )
        };
        Ok(())
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // SAFETY: `dentry` is what `debugfs_create_dir()` returned, or an error, which is ignored.
        // It waits for those who are reading a value, and nobody reads one later.
        unsafe { bindings::rust_helper_debugfs_remove(self.dentry) }
    }
}
