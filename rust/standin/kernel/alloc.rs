// SPDX-License-Identifier: GPL-2.0

//! Memory of the kernel: [`KBox`] and [`KVec`].
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)

use core::{
    marker::PhantomData,
    ops::{Deref, DerefMut},
    pin::Pin,
    ptr::{self, NonNull},
    slice,
};

use crate::bindings;

/// There was not enough memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocError;

/// How to allocate. Here there is [`flags::GFP_KERNEL`] only: the caller may sleep.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Flags(());

/// The values of [`Flags`].
pub mod flags {
    /// Memory for the kernel's own use; allocating it may sleep.
    pub const GFP_KERNEL: super::Flags = super::Flags(());
}

/// Allocates memory for `count` values of type `T`, or makes `old` that large, which is then
/// invalid. On error `old` is left as it is.
///
/// # Safety
///
/// `old` must be null or come from here, and not have been freed.
unsafe fn allocate<T>(old: *mut T, count: usize, _flags: Flags) -> Result<NonNull<T>, AllocError> {
    // What `ARCH_KMALLOC_MINALIGN` is at least.
    const { assert!(align_of::<T>() <= align_of::<u64>()) }
    let size = size_of::<T>().checked_mul(count).ok_or(AllocError)?;

    // SAFETY: By this function's contract. A size of 0 would free `old`.
    let memory = unsafe { bindings::rust_helper_krealloc(old.cast(), size.max(1)) };

    NonNull::new(memory.cast()).ok_or(AllocError)
}

/// A value in memory of its own.
///
/// # Invariants
///
/// The pointer comes from [`allocate()`], is owned by this, and points to a valid `T`.
pub struct KBox<T>(NonNull<T>, PhantomData<T>);

// SAFETY: It owns its `T`, and nothing else.
unsafe impl<T: Send> Send for KBox<T> {}

// SAFETY: A shared reference to it gives a shared reference to its `T`, and nothing else.
unsafe impl<T: Sync> Sync for KBox<T> {}

impl<T> KBox<T> {
    /// Moves `value` into memory of its own.
    ///
    /// # Errors
    ///
    /// [`AllocError`], and `value` is dropped.
    pub fn new(value: T, flags: Flags) -> Result<Self, AllocError> {
        // SAFETY: Null is accepted.
        let memory = unsafe { allocate(ptr::null_mut(), 1, flags) }?;

        // SAFETY: `memory` is large enough and aligned for a `T`, and ours.
        unsafe { memory.write(value) };
        // INVARIANT: There is a `T` now.
        Ok(Self(memory, PhantomData))
    }

    /// Moves `value` into memory of its own, to stay there.
    ///
    /// # Errors
    ///
    /// [`AllocError`], and `value` is dropped.
    pub fn pin(value: T, flags: Flags) -> Result<Pin<Self>, AllocError> {
        let pinned = Self::new(value, flags)?;

        // SAFETY: The `T` is not moved out of its memory: the `KBox` is in a `Pin` from here on.
        Ok(unsafe { Pin::new_unchecked(pinned) })
    }
}

impl<T> Deref for KBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: By the type invariants.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for KBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the type invariants.
        unsafe { self.0.as_mut() }
    }
}

impl<T> Drop for KBox<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants there is a `T`, and nobody uses it after this.
        unsafe { self.0.drop_in_place() };
        // SAFETY: By the type invariants it comes from `allocate()`.
        unsafe { bindings::kfree(self.0.as_ptr().cast()) };
    }
}

/// An array that grows.
///
/// # Invariants
///
/// `memory` is owned by this and comes from [`allocate()`] with room for `capacity` values, or is
/// dangling and `capacity` is 0. The first `len` of them, at most `capacity`, are valid.
pub struct KVec<T> {
    memory: NonNull<T>,
    len: usize,
    capacity: usize,
    _owns: PhantomData<T>,
}

// SAFETY: It owns its values, and nothing else.
unsafe impl<T: Send> Send for KVec<T> {}

// SAFETY: A shared reference to it gives shared references to its values, and nothing else.
unsafe impl<T: Sync> Sync for KVec<T> {}

impl<T> KVec<T> {
    /// An empty array, which allocates nothing.
    pub const fn new() -> Self {
        // INVARIANT: It is dangling, with room for nothing.
        Self {
            memory: NonNull::dangling(),
            len: 0,
            capacity: 0,
            _owns: PhantomData,
        }
    }

    /// Makes room for `additional` more values.
    ///
    /// # Errors
    ///
    /// [`AllocError`], and nothing changes.
    pub fn reserve(&mut self, additional: usize, flags: Flags) -> Result<(), AllocError> {
        let wanted = self.len.checked_add(additional).ok_or(AllocError)?;
        if wanted <= self.capacity {
            return Ok(());
        }

        let old = match self.capacity {
            0 => ptr::null_mut(),
            _ => self.memory.as_ptr(),
        };
        let capacity = wanted.max(self.capacity.saturating_mul(2));
        // SAFETY: By the type invariants `old` comes from there, or is null.
        self.memory = unsafe { allocate(old, capacity, flags) }?;
        // INVARIANT: That is what there is room for; the values have moved along.
        self.capacity = capacity;
        Ok(())
    }

    /// Appends `value`.
    ///
    /// # Errors
    ///
    /// [`AllocError`], and `value` is dropped.
    pub fn push(&mut self, value: T, flags: Flags) -> Result<(), AllocError> {
        self.reserve(1, flags)?;
        // SAFETY: There is room for one more behind the last.
        unsafe { self.memory.add(self.len).write(value) };
        // INVARIANT: It is valid now.
        self.len += 1;
        Ok(())
    }
}

impl<T> Default for KVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for KVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: By the type invariants; a dangling pointer is good for no values.
        unsafe { slice::from_raw_parts(self.memory.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for KVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: As above.
        unsafe { slice::from_raw_parts_mut(self.memory.as_ptr(), self.len) }
    }
}

impl<T> Drop for KVec<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants these values are valid, and nobody uses them after this.
        unsafe { ptr::drop_in_place(&mut **self) };
        if self.capacity != 0 {
            // SAFETY: By the type invariants it comes from `allocate()`.
            unsafe { bindings::kfree(self.memory.as_ptr().cast()) };
        }
    }
}
