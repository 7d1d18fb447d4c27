// SPDX-License-Identifier: GPL-2.0

//! Files in debugfs that may be open when the module is unloaded.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)

use core::sync::atomic::{AtomicU32, AtomicU64};

use kernel::prelude::*;

use crate::bindings;

/// A directory in debugfs with files of numbers, for root to read.
///
/// The operations of these files are in the kernel. The tables of those of [`kernel::debugfs`] are
/// in the module that uses it and do not name it as their owner, so that the kernel reads a table
/// that has gone when somebody closes a file after the module has.
///
/// Without CONFIG_DEBUG_FS this does nothing, and if debugfs refuses a file there is none: neither
/// is a reason not to guard.
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
