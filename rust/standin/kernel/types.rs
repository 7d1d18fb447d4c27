// SPDX-License-Identifier: GPL-2.0

//! Kernel types.

use core::{cell::UnsafeCell, marker::PhantomPinned, mem::MaybeUninit};

/// An object of C's, about which Rust assumes nothing: it may be uninitialized, and change at any
/// time.
#[repr(transparent)]
pub struct Opaque<T> {
    value: UnsafeCell<MaybeUninit<T>>,
    _pin: PhantomPinned,
}

impl<T> Opaque<T> {
    /// Returns a pointer to the object.
    pub const fn get(&self) -> *mut T {
        self.value.get().cast()
    }

    /// An object of zeroes.
    pub const fn zeroed() -> Self {
        Self {
            value: UnsafeCell::new(MaybeUninit::zeroed()),
            _pin: PhantomPinned,
        }
    }
}
