// SPDX-License-Identifier: GPL-2.0

//! Kernel types.

use core::{cell::UnsafeCell, marker::PhantomPinned, mem::MaybeUninit};

use crate::init::{self, PinInit};

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

    /// Makes an initializer of a C function that initializes what it is given.
    ///
    /// The initialization may fail; what it leaves then is not dropped.
    pub fn try_ffi_init<E>(
        init_func: impl FnOnce(*mut T) -> Result<(), E>,
    ) -> impl PinInit<Self, E> {
        // SAFETY: Any bytes are a valid `Opaque`, and there is nothing in it to drop after an
        // error. `Opaque` is transparent, so the pointers are to the same.
        unsafe { init::pin_init_from_closure(move |slot: *mut Self| init_func(slot.cast())) }
    }
}
