// SPDX-License-Identifier: GPL-2.0

//! Strings.

use core::ffi::CStr;

use crate::ffi::c_char;

/// What the kernel's crate adds to [`CStr`].
pub trait CStrExt {
    /// Returns a pointer to the string's bytes, with the kernel's type for them.
    fn as_char_ptr(&self) -> *const c_char;
}

impl CStrExt for CStr {
    fn as_char_ptr(&self) -> *const c_char {
        self.as_ptr().cast()
    }
}
