// SPDX-License-Identifier: GPL-2.0

//! The checked `amd_clear_bank()`: what clearing a bank may touch on a CPU without SMCA.
//!
//! By MCI_STATUS_DEFERRED in the record the kernel's function decides to write MCA_DESTAT, which
//! only a CPU with SMCA has. Hiding that bit from it makes it do what the fixed one does: reset the
//! threshold limit, clear MCA_STATUS, nothing else. The function's other decision, to leave
//! MCA_STATUS alone for MCE_CHECK_DFR_REGS, is none without SMCA: the kernel sets that flag when it
//! has read an error from MCA_DESTAT, and nowhere else.
//!
//! C source: [`amd_clear_bank()`](srctree/arch/x86/kernel/cpu/mce/amd.c)

use kernel::prelude::*;

use crate::mca::{Record, Status};

/// Makes `record` one that `amd_clear_bank()` may have on a CPU without SMCA. Returns whether its
/// error was deferred.
pub(crate) fn check(record: &mut Record) -> bool {
    let polled = record.status();
    let deferred = polled.contains(Status::DEFERRED);

    if deferred {
        record.set_status(checked(polled));
    }
    deferred
}

/// What `amd_clear_bank()` is to see of `polled`, an MCi_STATUS.
const fn checked(polled: Status) -> Status {
    polled.without(Status::DEFERRED)
}

#[kunit_tests(amd_mce_guard_clear_bank)]
mod tests {
    use super::*;

    /// Every bit of MCi_STATUS that tells errors apart, on this path or near it.
    const BITS: [Status; 7] = [
        Status::VAL,
        Status::UC,
        Status::PCC,
        Status::DEFERRED,
        Status::POISON,
        Status::ADDRV,
        Status::OVER,
    ];

    /// The SMCA and MCA registers that clearing a bank writes.
    #[derive(PartialEq, Eq)]
    struct Writes {
        destat: bool,
        status: bool,
    }

    /// `amd_clear_bank()` of 6.19.0 to 6.19.9.
    fn vulnerable(status: Status) -> Writes {
        Writes {
            destat: status.contains(Status::DEFERRED),
            status: true,
        }
    }

    /// `amd_clear_bank()` since 6.19.10, without SMCA.
    fn fixed(_status: Status) -> Writes {
        Writes {
            destat: false,
            status: true,
        }
    }

    /// Calls `check` for every combination of the bits, and returns how many there were.
    fn for_all(mut check: impl FnMut(Status)) -> usize {
        let mut cases = 0;

        for pick in 0..1usize << BITS.len() {
            let mut status = Status::empty();
            for (i, bit) in BITS.into_iter().enumerate() {
                if pick & (1 << i) != 0 {
                    status = status | bit;
                }
            }
            check(status);
            cases += 1;
        }
        cases
    }

    #[test]
    fn every_combination_is_tried() {
        assert_eq!(for_all(|_| ()), 128);
    }

    #[test]
    fn guarded_kernel_writes_what_the_fixed_one_writes() {
        for_all(|status| assert!(vulnerable(checked(status)) == fixed(status)));
    }

    #[test]
    fn fixed_kernel_is_not_changed_by_the_guard() {
        for_all(|status| assert!(fixed(checked(status)) == fixed(status)));
    }

    #[test]
    fn without_the_guard_a_deferred_error_writes_destat() {
        // The negative control of the tests above: the model does have the defect.
        let mut writes = 0;
        for_all(|status| writes += usize::from(vulnerable(status).destat));
        assert_eq!(writes, 64);
    }

    #[test]
    fn other_bits_are_kept() {
        for_all(|status| {
            for bit in BITS {
                if bit != Status::DEFERRED {
                    assert_eq!(checked(status).contains(bit), status.contains(bit));
                }
            }
        });
    }

    #[test]
    fn checking_twice_is_checking_once() {
        for_all(|status| assert!(checked(checked(status)) == checked(status)));
    }
}
