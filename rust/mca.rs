// SPDX-License-Identifier: GPL-2.0

//! The machine check architecture, as far as clearing a bank is concerned.
//!
//! C headers: [`arch/x86/include/asm/mce.h`](srctree/arch/x86/include/asm/mce.h),
//! [`arch/x86/include/uapi/asm/mce.h`](srctree/arch/x86/include/uapi/asm/mce.h)

use core::ops::BitOr;

use crate::bindings;

/// A value of a bank's MCi_STATUS register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Status(u64);

/// The bits have the names they have in C, less `MCI_STATUS_`.
#[cfg_attr(
    not(CONFIG_KUNIT = "y"),
    expect(dead_code, reason = "only the tests name them all")
)]
impl Status {
    /// The bank holds an error.
    pub(crate) const VAL: Self = Self(bindings::MCI_STATUS_VAL as u64);
    /// An earlier error was lost.
    pub(crate) const OVER: Self = Self(bindings::MCI_STATUS_OVER);
    /// The error was not corrected.
    pub(crate) const UC: Self = Self(bindings::MCI_STATUS_UC);
    /// MCi_ADDR is valid.
    pub(crate) const ADDRV: Self = Self(bindings::MCI_STATUS_ADDRV);
    /// The processor's context is corrupt.
    pub(crate) const PCC: Self = Self(bindings::MCI_STATUS_PCC);
    /// The error is uncorrected, the exception deferred until the data is used (AMD).
    pub(crate) const DEFERRED: Self = Self(bindings::MCI_STATUS_DEFERRED);
    /// Poisoned data was used (AMD).
    pub(crate) const POISON: Self = Self(bindings::MCI_STATUS_POISON);

    /// Whether all of `bits` are set.
    pub(crate) const fn contains(self, bits: Self) -> bool {
        self.0 & bits.0 == bits.0
    }

    /// This value with `bits` cleared.
    pub(crate) const fn without(self, bits: Self) -> Self {
        Self(self.0 & !bits.0)
    }

    /// The register's value.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// No bit set.
    pub(crate) const fn empty() -> Self {
        Self(0)
    }
}

impl BitOr for Status {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A machine check record.
///
/// C type: [`struct mce`](srctree/arch/x86/include/uapi/asm/mce.h)
///
/// # Invariants
///
/// The kernel has made it from a bank of this CPU. There is no other way to one, and of its fields
/// only the status can be changed.
#[repr(transparent)]
pub(crate) struct Record(bindings::mce);

impl Record {
    /// The bank that reported the error.
    pub(crate) fn bank(&self) -> u8 {
        self.0.bank
    }

    /// The bank's MCi_STATUS.
    pub(crate) fn status(&self) -> Status {
        Status(self.0.status)
    }

    /// Replaces MCi_STATUS in the record; the bank keeps its own.
    pub(crate) fn set_status(&mut self, status: Status) {
        self.0.status = status.0;
    }
}
