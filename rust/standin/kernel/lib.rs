// SPDX-License-Identifier: GPL-2.0

//! A stand-in for the kernel's own `kernel` crate, for kernels that have none, an older one, or one
//! made by another rustc.
//!
//! It offers the part that the module uses, under the same names and with the same meaning, and
//! needs nothing of the kernel but its headers. The module is written against the kernel's crate;
//! this one follows it. A name that differs, or a promise that the kernel's crate makes and this
//! one does not keep, is a bug here.

#![no_std]

// For what macros of this crate make in it.
extern crate self as kernel;

pub mod alloc;
pub mod error;
pub mod ffi;
pub mod kunit;
pub mod module;
pub mod print;
pub mod str;
pub mod types;

mod bindings;

pub use error::{Error, Result};
pub use module::{Module, ThisModule};

/// What the kernel's crate offers to everybody.
pub mod prelude {
    pub use core::{ffi::CStr, pin::Pin};

    pub use macros::kunit_tests;

    pub use crate::{
        alloc::{flags::*, KBox, KVec},
        error::{code::*, Error, Result},
        ffi::{c_int, c_long, c_uint, c_ulong, c_void},
        module, pr_emerg, pr_err, pr_info, pr_warn,
        str::CStrExt as _,
        ThisModule,
    };
}

/// Produces a pointer to the structure `$type` whose field `$field` is at `$field_ptr`.
///
/// `$field_ptr` must point to such a field of a structure that is there.
#[macro_export]
macro_rules! container_of {
    ($field_ptr:expr, $type:ty, $field:ident) => {{
        let field_ptr = $field_ptr;
        let container_ptr = field_ptr
            .byte_sub(::core::mem::offset_of!($type, $field))
            .cast::<$type>();
        // Both have the same type, or this does not compile.
        let _ = [field_ptr, &raw mut (*container_ptr).$field];
        container_ptr
    }};
}
