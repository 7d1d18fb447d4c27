// SPDX-License-Identifier: GPL-2.0

//! What the guard has seen since it was loaded, for people to read in debugfs.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel::{
    debugfs::{Scope, ScopedDir},
    fmt,
    prelude::*,
};

/// What happened to one bank.
///
/// The counters are `core`'s atomics: those of [`kernel::sync::atomic`] call helpers that can be
/// traced, and the callback may call nothing that is. They order nothing, so either memory model
/// says the same about them.
struct Bank {
    cleared: AtomicU64,
    guarded: AtomicU64,
}

/// Numbers of banks cleared and of records guarded, by bank.
pub(crate) struct Counters {
    // One for each value that a record's bank can have, so that there is no bound to check.
    banks: [Bank; 1 << u8::BITS],
}

impl Counters {
    /// Counters at zero, with their files in debugfs directory `name`:
    ///
    /// - `banks_cleared`: banks cleared, whatever their error;
    /// - `deferred_guarded`: banks cleared that would have been cleared with a write of MCA_DESTAT;
    /// - `by_bank`: both of these for each bank that has been cleared at all.
    pub(crate) fn in_debugfs(name: &CStr) -> impl PinInit<Scope<Self>> + '_ {
        Scope::dir(Self::new(), name, Self::create_files)
    }

    const fn new() -> Self {
        Self {
            banks: [const {
                Bank {
                    cleared: AtomicU64::new(0),
                    guarded: AtomicU64::new(0),
                }
            }; 1 << u8::BITS],
        }
    }

    /// Counts a bank as cleared and, if `guarded`, as guarded.
    pub(crate) fn count(&self, bank: u8, guarded: bool) {
        let bank = &self.banks[usize::from(bank)];

        bank.cleared.fetch_add(1, Relaxed);
        if guarded {
            bank.guarded.fetch_add(1, Relaxed);
        }
    }

    fn create_files<'data>(&'data self, dir: &ScopedDir<'data, '_>) {
        dir.read_callback_file(c"banks_cleared", self, &|all: &Self, f| {
            let sum: u64 = all.banks.iter().map(|b| b.cleared.load(Relaxed)).sum();
            writeln!(f, "{sum}")
        });
        dir.read_callback_file(c"deferred_guarded", self, &|all: &Self, f| {
            let sum: u64 = all.banks.iter().map(|b| b.guarded.load(Relaxed)).sum();
            writeln!(f, "{sum}")
        });
        dir.read_callback_file(c"by_bank", self, &Self::write_by_bank);
    }

    fn write_by_bank(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "bank cleared guarded")?;
        for (number, bank) in self.banks.iter().enumerate() {
            let cleared = bank.cleared.load(Relaxed);
            if cleared != 0 {
                let guarded = bank.guarded.load(Relaxed);
                writeln!(f, "{number:4} {cleared:7} {guarded:7}")?;
            }
        }
        Ok(())
    }
}
