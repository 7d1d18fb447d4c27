// SPDX-License-Identifier: GPL-2.0

//! The C functions that this crate calls: those of `../helpers.h`, and `kfree()`.

use crate::ffi::{c_char, c_int, c_void};

extern "C" {
    pub(crate) fn rust_helper_krealloc(old: *const c_void, size: usize) -> *mut c_void;
    pub(crate) fn rust_helper_errname(error: c_int) -> *const c_char;
    pub(crate) fn rust_helper_BUG() -> !;
    pub(crate) fn rust_helper_printk(
        level: c_char,
        module: *const c_char,
        text: *const c_char,
        len: usize,
    );
    pub(crate) fn kfree(pointer: *const c_void);
}
