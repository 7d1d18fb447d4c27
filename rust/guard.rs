// SPDX-License-Identifier: GPL-2.0

//! Keeps AMD guests alive when machine check polling finds a deferred error.
//!
//! In Linux 6.19.0 to 6.19.9 `amd_clear_bank()` writes the SMCA register MCA_DESTAT for every
//! deferred error whether or not the CPU has SMCA; a guest on KVM has not, and panics. While this
//! module is loaded, each call of `amd_clear_bank()` is preceded by the check that the kernel
//! forgot, see `clear_bank`.
//!
//! Loading is the decision to guard: it succeeds where there is something to guard and the hook is
//! live, and fails with the reason in the log everywhere else. A kernel that has the fix is not
//! told apart; it is guarded, too, and does the same. Unloading takes the guard away.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kernel::prelude::*;

mod bindings;
mod clear_bank;
mod counters;
mod cpu;
mod debugfs;
mod ftrace;
mod hook;
mod mca;
mod sweep;

use cpu::Cpu;
use hook::{AmdClearBank, Hook, Target};
use mca::{Record, Status};
use sweep::Sweep;

module! {
    type: AmdMceGuard,
    name: "amd_mce_guard",
    authors: ["The amd_mce_guard developers"],
    description: "Checked amd_clear_bank() for AMD guests without SMCA",
    license: "GPL",
}

/// The loaded module: as long as it exists, the hook does. Then these go in this order.
struct AmdMceGuard {
    _sweep: Sweep,
    _hook: Hook,
    _counters: debugfs::Dir,
}

impl kernel::Module for AmdMceGuard {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let cpu = Cpu::boot();

        if !cpu.amd {
            pr_info!("this CPU is not AMD's; its banks are cleared elsewhere, nothing to guard\n");
            return Err(ENODEV);
        }
        if cpu.smca {
            pr_info!("this CPU has SMCA and so MCA_DESTAT; nothing to guard\n");
            return Err(ENODEV);
        }
        if !cpu.mca {
            pr_info!("this CPU has no machine checks; nothing polls, nothing to guard\n");
            return Err(ENODEV);
        }

        let address = match hook::find().map_err(refusal)? {
            Target::Function(address) => address,
            Target::Nothing => {
                pr_info!("polling does not write MCA_DESTAT in this kernel; nothing to guard\n");
                return Err(ENODEV);
            }
            Target::Unknown => {
                pr_err!(
                    "NOT GUARDING: polling may write MCA_DESTAT in this kernel, but calls no \
                     amd_clear_bank() that can be hooked; run amd-mce-guard-doctor\n"
                );
                return Err(cannot_guard());
            }
        };
        let counters = counters::show(c"amd_mce_guard");
        let hook = Hook::new(Guard, &address).map_err(refusal)?;
        let sweep = Sweep::new().map_err(refusal)?;

        pr_info!("guarding: this CPU has no SMCA, amd_clear_bank() is hooked\n");
        Ok(Self {
            _sweep: sweep,
            _hook: hook,
            _counters: counters,
        })
    }
}

/// The error to load with on a machine that may be affected and cannot be guarded, which is not
/// that of one where there is nothing to guard.
fn cannot_guard() -> Error {
    Error::from_errno(-(bindings::EOPNOTSUPP as c_int))
}

/// Says why this machine, which may need it, gets no guard, and returns the error to load with.
fn refusal(error: Error) -> Error {
    match error {
        EINVAL => pr_err!(
            "NOT GUARDING: ftrace cannot trace amd_clear_bank() in this kernel; \
             run amd-mce-guard-doctor\n"
        ),
        EBUSY => pr_err!(
            "NOT GUARDING: ftrace is off; set the sysctl kernel.ftrace_enabled to 1 and \
             load again\n"
        ),
        ENODEV => pr_err!(
            "NOT GUARDING: ftrace has disabled itself after an internal error; reboot this \
             machine\n"
        ),
        EIO => pr_err!(
            "NOT GUARDING: ftrace says that amd_clear_bank() is hooked, but its code is not; \
             reboot this machine\n"
        ),
        ENOMEM => pr_err!("NOT GUARDING: there is no memory for the hook (ENOMEM); load again\n"),
        _ => pr_err!("NOT GUARDING: ftrace refuses the hook ({error:?}); please report this\n"),
    }
    load_error(error)
}

/// The error to load with where hooking has failed with `error`. [`ENODEV`] is left for where there
/// is nothing to guard.
fn load_error(error: Error) -> Error {
    match error {
        EINVAL | EIO | ENODEV => cannot_guard(),
        _ => error,
    }
}

/// What runs at the entry of `amd_clear_bank()`.
struct Guard;

impl ftrace::Callback<AmdClearBank> for Guard {
    fn entered(&self, _ip: usize, record: &mut Record) {
        if clear_bank::check(record) {
            counters::guarded();
            if !ANNOUNCED.load(Relaxed) {
                announce(record.bank(), record.status());
            }
        }
    }
}

/// Whether a guarded record has been told of since loading.
static ANNOUNCED: AtomicBool = AtomicBool::new(false);

/// Tells of the first guarded record since loading: one line, so that an error storm on the machine
/// does not become one in the log. The rest is in debugfs.
#[cold]
fn announce(bank: u8, checked: Status) {
    if !ANNOUNCED.swap(true, Relaxed) {
        pr_warn!(
            "bank {bank}: deferred error, status {:#018x}, is cleared without MCA_DESTAT; later \
             ones are only counted\n",
            (checked | Status::DEFERRED).bits()
        );
    }
}

#[kunit_tests(amd_mce_guard_load_error)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_cannot_be_traced_is_not_nothing_to_guard() {
        assert_eq!(load_error(EINVAL), cannot_guard());
    }

    #[test]
    fn ftrace_that_has_failed_is_not_nothing_to_guard() {
        assert_eq!(load_error(ENODEV), cannot_guard());
    }

    #[test]
    fn a_hook_that_is_not_in_the_code_is_not_nothing_to_guard() {
        assert_eq!(load_error(EIO), cannot_guard());
    }

    #[test]
    fn ftrace_off_stays_busy() {
        assert_eq!(load_error(EBUSY), EBUSY);
    }

    #[test]
    fn other_errors_are_passed_on() {
        assert_eq!(load_error(ENOMEM), ENOMEM);
    }
}
