// SPDX-License-Identifier: GPL-2.0

//! Files in debugfs that may be open when the module is unloaded.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)

use core::sync::atomic::AtomicU64;

use kernel::prelude::*;

use crate::bindings;

/// A directory in debugfs with files of numbers, for root to read.
///
/// The operations of these files are in the kernel. The tables of those of `kernel::debugfs` are
/// in the module that uses it and do not name it as their owner, so that the kernel reads a table
/// that has gone when somebody closes a file after the module has.
///
/// Without CONFIG_DEBUG_FS this does nothing, and if debugfs refuses a file there is none: neither
/// is a reason not to guard.
///
/// # Invariants
///
/// `dentry` is what `debugfs_create_dir()` returned.
pub(crate) struct Dir {
    dentry: *mut bindings::dentry,
}

// SAFETY: debugfs has locks of its own, and the pointer is used in `drop` only.
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
}

impl Drop for Dir {
    fn drop(&mut self) {
        // SAFETY: `dentry` is what `debugfs_create_dir()` returned, or an error, which is ignored.
        // It waits for those who are reading a value, and nobody reads one later.
        unsafe { bindings::rust_helper_debugfs_remove(self.dentry) }
    }
}
