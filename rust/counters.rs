// SPDX-License-Identifier: GPL-2.0

//! What the guard has done since it was loaded, for people to read in debugfs.
//!
//! The counter is one of `core`'s atomics, which are instructions: those of
//! `kernel::sync::atomic` are calls of helpers of the kernel, which cost more than the counting
//! and can be traced. It orders nothing, so either memory model says the same about it.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel::prelude::*;

use crate::debugfs::Dir;

// A module starts with a fresh one each time it is loaded.
static GUARDED: AtomicU64 = AtomicU64::new(0);

/// Counts a deferred error that `amd_clear_bank()` was not shown.
pub(crate) fn guarded() {
    GUARDED.fetch_add(1, Relaxed);
}

/// Shows how many there were as `deferred_guarded` in debugfs directory `name`, until the returned
/// [`Dir`] is dropped.
pub(crate) fn show(name: &CStr) -> Dir {
    let dir = Dir::new(name);

    dir.number(c"deferred_guarded", &GUARDED);
    dir
}
