// SPDX-License-Identifier: GPL-2.0

//! The checked `amd_clear_bank()`: what clearing a bank may touch on a given CPU.
//!
//! The kernel's function decides by two things in the record: MCI_STATUS_DEFERRED makes it write
//! MCA_DESTAT, and MCE_CHECK_DFR_REGS makes it leave MCA_STATUS alone. Both are about SMCA
//! registers. Without SMCA, hiding them from the function makes it do what the fixed one does:
//! reset the threshold limit, clear MCA_STATUS, nothing else.
//!
//! C source: [`amd_clear_bank()`](srctree/arch/x86/kernel/cpu/mce/amd.c)

use kernel::prelude::*;

use crate::{
    cpu::Cpu,
    mca::{KFlags, Status},
};

/// The part of a record that decides which registers `amd_clear_bank()` writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    /// MCi_STATUS as it was polled.
    pub(crate) status: Status,
    /// Where the error was found.
    pub(crate) kflags: KFlags,
}

impl Request {
    /// The request to hand to `amd_clear_bank()` on `cpu` in place of this one.
    ///
    /// It is this one wherever the kernel's function is right already: with SMCA, and on CPUs of
    /// other vendors, for which it is never called.
    pub(crate) const fn checked(self, cpu: Cpu) -> Self {
        if !cpu.amd || cpu.smca {
            return self;
        }

        Self {
            status: self.status.without(Status::DEFERRED),
            kflags: self.kflags.without(KFlags::CHECK_DFR_REGS),
        }
    }
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
    fn vulnerable(r: Request) -> Writes {
        Writes {
            destat: r.status.contains(Status::DEFERRED),
            status: !r.kflags.contains(KFlags::CHECK_DFR_REGS),
        }
    }

    /// `amd_clear_bank()` since 6.19.10.
    fn fixed(r: Request, cpu: Cpu) -> Writes {
        if !cpu.smca {
            return Writes {
                destat: false,
                status: true,
            };
        }
        vulnerable(r)
    }

    /// Calls `check` for every combination of the bits, CHECK_DFR_REGS, SMCA and the vendor, and
    /// returns how many there were.
    fn for_all(mut check: impl FnMut(Request, Cpu)) -> usize {
        let mut cases = 0;

        for pick in 0..1usize << BITS.len() {
            let mut status = Status::empty();
            for (i, bit) in BITS.into_iter().enumerate() {
                if pick & (1 << i) != 0 {
                    status = status | bit;
                }
            }
            for kflags in [KFlags::empty(), KFlags::CHECK_DFR_REGS] {
                for (amd, smca) in [(false, false), (false, true), (true, false), (true, true)] {
                    check(
                        Request { status, kflags },
                        Cpu {
                            amd,
                            mca: true,
                            smca,
                        },
                    );
                    cases += 1;
                }
            }
        }
        cases
    }

    #[test]
    fn every_combination_is_tried() {
        assert_eq!(for_all(|_, _| ()), 128 * 2 * 2 * 2);
    }

    #[test]
    fn guarded_kernel_writes_what_the_fixed_one_writes() {
        for_all(|r, cpu| {
            if cpu.amd {
                assert!(vulnerable(r.checked(cpu)) == fixed(r, cpu));
            }
        });
    }

    #[test]
    fn fixed_kernel_is_not_changed_by_the_guard() {
        for_all(|r, cpu| {
            if cpu.amd {
                assert!(fixed(r.checked(cpu), cpu) == fixed(r, cpu));
            }
        });
    }

    #[test]
    fn destat_is_never_written_without_smca() {
        for_all(|r, cpu| {
            if cpu.amd && !cpu.smca {
                assert!(!vulnerable(r.checked(cpu)).destat);
            }
        });
    }

    #[test]
    fn without_the_guard_a_deferred_error_writes_destat() {
        // The negative control of the tests above: the model does have the defect.
        let mut writes = 0;
        for_all(|r, cpu| {
            if cpu.amd && !cpu.smca && vulnerable(r).destat {
                writes += 1;
            }
        });
        assert_eq!(writes, 64 * 2);
    }

    #[test]
    fn other_bits_are_kept() {
        for_all(|r, cpu| {
            let c = r.checked(cpu);
            for bit in BITS {
                if bit != Status::DEFERRED {
                    assert_eq!(c.status.contains(bit), r.status.contains(bit));
                }
            }
        });
    }

    #[test]
    fn smca_and_other_vendors_are_left_alone() {
        for_all(|r, cpu| {
            if !cpu.amd || cpu.smca {
                assert!(r.checked(cpu) == r);
            }
        });
    }

    #[test]
    fn checking_twice_is_checking_once() {
        for_all(|r, cpu| assert!(r.checked(cpu).checked(cpu) == r.checked(cpu)));
    }
}
