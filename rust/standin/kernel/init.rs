// SPDX-License-Identifier: GPL-2.0

//! Initializing structures where they stay, as the kernel's `pin_init` crate does.

use core::{convert::Infallible, marker::PhantomData, pin::Pin};

/// An initializer of a `T` that does not move afterwards.
///
/// # Safety
///
/// When `__pinned_init()` returns `Ok`, `slot` has a valid `T`; when it returns an error there is
/// nothing in `slot` that has to be dropped.
pub unsafe trait PinInit<T, E = Infallible>: Sized {
    /// Initializes `slot`.
    ///
    /// # Safety
    ///
    /// `slot` must be memory for a `T`, to be written to, that stays until the `T` has been
    /// dropped. After an error it may be freed.
    unsafe fn __pinned_init(self, slot: *mut T) -> Result<(), E>;
}

// SAFETY: A value makes itself, always.
unsafe impl<T> PinInit<T> for T {
    unsafe fn __pinned_init(self, slot: *mut T) -> Result<(), Infallible> {
        // SAFETY: By this function's contract.
        unsafe { slot.write(self) };
        Ok(())
    }
}

/// A closure that is an initializer.
///
/// # Invariants
///
/// The closure does what [`PinInit`] promises.
struct InitClosure<F, T, E>(F, PhantomData<fn(T, E)>);

// SAFETY: By the type invariants.
unsafe impl<F: FnOnce(*mut T) -> Result<(), E>, T, E> PinInit<T, E> for InitClosure<F, T, E> {
    unsafe fn __pinned_init(self, slot: *mut T) -> Result<(), E> {
        (self.0)(slot)
    }
}

/// Makes an initializer of a closure.
///
/// # Safety
///
/// Called with what the contract of `PinInit::__pinned_init()` asks for, the closure must do what
/// [`PinInit`] promises.
pub const unsafe fn pin_init_from_closure<T, E>(
    init: impl FnOnce(*mut T) -> Result<(), E>,
) -> impl PinInit<T, E> {
    // INVARIANT: By this function's contract.
    InitClosure(init, PhantomData)
}

/// Drops a field that has been initialized, unless all of them are and it is forgotten.
///
/// # Invariants
///
/// The pointer is to a valid value that nobody else drops.
#[doc(hidden)]
pub struct DropGuard<T>(*mut T);

impl<T> DropGuard<T> {
    /// # Safety
    ///
    /// `value` must point to a valid value that nobody else drops as long as this exists.
    pub unsafe fn new(value: *mut T) -> Self {
        // INVARIANT: By this function's contract.
        Self(value)
    }
}

impl<T> Drop for DropGuard<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { self.0.drop_in_place() }
    }
}

/// `Drop` for a structure that is pinned. Implemented by `#[pinned_drop]`.
///
/// # Safety
///
/// It must be implemented by `#[pinned_drop]`, for a structure that `#[pin_data(PinnedDrop)]` gives
/// a `Drop` that calls this and does nothing else.
pub unsafe trait PinnedDrop {
    /// What to do before the fields are dropped.
    fn drop(self: Pin<&mut Self>, _: OnlyCallFromDrop);
}

/// Proof that it is `Drop` that calls.
pub struct OnlyCallFromDrop(());

impl OnlyCallFromDrop {
    /// # Safety
    ///
    /// Only the `Drop` that `#[pin_data(PinnedDrop)]` makes may call this.
    pub unsafe fn new() -> Self {
        Self(())
    }
}

/// Makes an initializer of a structure from those of its fields (`field <- initializer`) and from
/// values (`field: value`). The fields are initialized in that order; the first error ends it, and
/// the fields so far are dropped, the last first.
#[macro_export]
macro_rules! try_pin_init {
    ($type:ident { $($fields:tt)* }) => {{
        let init = move |slot: *mut $type| -> $crate::Result {
            $crate::__init_fields!(slot, $type, [], $($fields)*);
            Ok(())
        };
        // SAFETY: `__init_fields!` has initialized each field when the closure returns `Ok`, and
        // its guards have dropped those that there were when it returns an error.
        unsafe { $crate::init::pin_init_from_closure::<$type, $crate::Error>(init) }
    }};
}

/// Initializes the fields one by one; `[..]` has the names of those that are done.
#[doc(hidden)]
#[macro_export]
macro_rules! __init_fields {
    ($slot:ident, $type:ident, [$($done:ident)*],) => {
        // This compiles if all fields have been named, and each once.
        #[allow(unreachable_code, clippy::diverging_sub_expression)]
        let _ = || {
            let _ = $type { $($done: ::core::panic!()),* };
        };
    };
    ($slot:ident, $type:ident, [$($done:ident)*], $field:ident <- $init:expr
        $(, $($rest:tt)*)?) => {
        let init = $init;
        // SAFETY: `slot` is memory for the whole structure.
        let field = unsafe { &raw mut (*$slot).$field };
        // SAFETY: `field` is memory for this field, and stays as long as the structure does.
        unsafe { $crate::init::PinInit::__pinned_init(init, field) }?;
        // SAFETY: The field has been initialized, and the guard is forgotten once the structure is
        // complete.
        let guard = unsafe { $crate::init::DropGuard::new(field) };
        $crate::__init_fields!($slot, $type, [$($done)* $field], $($($rest)*)?);
        ::core::mem::forget(guard);
    };
    ($slot:ident, $type:ident, [$($done:ident)*], $field:ident: $value:expr
        $(, $($rest:tt)*)?) => {
        let value = $value;
        // SAFETY: `slot` is memory for the whole structure.
        let field = unsafe { &raw mut (*$slot).$field };
        // SAFETY: `field` is memory for this field.
        unsafe { field.write(value) };
        // SAFETY: As above.
        let guard = unsafe { $crate::init::DropGuard::new(field) };
        $crate::__init_fields!($slot, $type, [$($done)* $field], $($($rest)*)?);
        ::core::mem::forget(guard);
    };
}
