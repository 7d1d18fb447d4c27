// SPDX-License-Identifier: GPL-2.0

//! What the guard has seen since it was loaded, for people to read in debugfs.
//!
//! The counters are `core`'s atomics, which are instructions: those of [`kernel::sync::atomic`] are
//! calls of helpers of the kernel, which cost more than the counting and can be traced. They order
//! nothing, so either memory model says the same about them.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use kernel::prelude::*;

use crate::{debugfs::Dir, mca::MAX_BANKS};

/// How often something happened.
struct Counter {
    all: AtomicU64,
    // One for each value that a record's bank can have, so that there is no bound to check.
    by_bank: [AtomicU32; 1 << u8::BITS],
}

impl Counter {
    const fn new() -> Self {
        Self {
            all: AtomicU64::new(0),
            by_bank: [const { AtomicU32::new(0) }; 1 << u8::BITS],
        }
    }

    /// Counts once more, and returns how often it had happened before.
    fn count(&self, bank: u8) -> u64 {
        self.by_bank[usize::from(bank)].fetch_add(1, Relaxed);
        self.all.fetch_add(1, Relaxed)
    }
}

// A module starts with fresh ones each time it is loaded.
static CLEARED: Counter = Counter::new();
static GUARDED: Counter = Counter::new();

/// Counts `bank` as cleared.
pub(crate) fn cleared(bank: u8) {
    CLEARED.count(bank);
}

/// Counts `bank` as guarded. Returns whether it is the first one.
pub(crate) fn guarded(bank: u8) -> bool {
    GUARDED.count(bank) == 0
}

/// Shows the counters in debugfs directory `name` until the returned [`Dir`] is dropped:
///
/// - `banks_cleared`: banks cleared, whatever their error;
/// - `deferred_guarded`: those among them whose error was deferred, which `amd_clear_bank()` was
///   not shown;
/// - `cleared_by_bank`, `guarded_by_bank`: the same for each bank, from bank 0 on, modulo 2^32.
///
/// # Errors
///
/// [`ENOMEM`].
pub(crate) fn show(name: &CStr) -> Result<Dir> {
    let mut dir = Dir::new(name);

    dir.number(c"banks_cleared", &CLEARED.all);
    dir.number(c"deferred_guarded", &GUARDED.all);
    dir.line(c"cleared_by_bank", &CLEARED.by_bank[..MAX_BANKS])?;
    dir.line(c"guarded_by_bank", &GUARDED.by_bank[..MAX_BANKS])?;
    Ok(dir)
}
