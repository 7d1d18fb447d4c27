// SPDX-License-Identifier: GPL-2.0

//! Keeps AMD guests alive when machine check polling finds a deferred error.
//!
//! In Linux 6.19.0 to 6.19.9 `amd_clear_bank()` writes the SMCA register MCA_DESTAT for every
//! deferred error whether or not the CPU has SMCA; a guest on KVM has not, and panics. While this
//! module is loaded, each call of `amd_clear_bank()` is preceded by the check that the kernel
//! forgot, see [`clear_bank`].
//!
//! Loading is the decision to guard: it succeeds where there is something to guard and the hook is
//! live, and fails with the reason in the log everywhere else. A kernel that has the fix is not
//! told apart; it is guarded, too, and does the same. Unloading takes the guard away.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kernel::prelude::*;

mod bindings;
mod clear_bank;
mod counters;
mod ftrace;
mod mca;
mod sys;

use clear_bank::Request;
use mca::{Cpu, Record, Status};
use sys::AmdClearBank;

module! {
    type: AmdMceGuard,
    name: "amd_mce_guard",
    authors: ["The amd_mce_guard developers"],
    description: "Checked amd_clear_bank() for AMD guests without SMCA",
    license: "GPL",
}

#[cfg(CONFIG_LTO_CLANG)]
compile_error!(
    "with CONFIG_LTO_CLANG amd_clear_bank() may be inlined into its caller, where a hook misses it"
);

/// The loaded module: as long as it exists, the hook does.
struct AmdMceGuard {
    _hook: Pin<KBox<ftrace::Registration<AmdClearBank, Guard>>>,
}

impl kernel::Module for AmdMceGuard {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let cpu = sys::boot_cpu();

        if !cpu.amd {
            pr_info!("this CPU is not AMD's; its banks are cleared elsewhere, nothing to guard\n");
            return Err(ENODEV);
        }
        if cpu.smca {
            pr_info!("this CPU has SMCA; its kernel path is already correct, nothing to guard\n");
            return Err(ENODEV);
        }

        let guard = Guard::new(cpu).map_err(explain)?;
        let hook = KBox::pin_init(ftrace::Registration::new(guard), GFP_KERNEL).map_err(explain)?;

        pr_info!("guarding: this CPU has no SMCA, amd_clear_bank() is hooked\n");
        Ok(Self { _hook: hook })
    }
}

/// Says why the hook could not be registered, and returns the error to load with.
fn explain(error: Error) -> Error {
    match error {
        EINVAL => {
            pr_info!("no traceable amd_clear_bank() here: nothing to hook, NOT guarding\n");
            ENODEV
        }
        EBUSY => {
            pr_err!("ftrace is off; set the sysctl kernel.ftrace_enabled to 1 and load again\n");
            EBUSY
        }
        _ => {
            pr_err!("cannot hook amd_clear_bank(): {error:?}; NOT guarding\n");
            error
        }
    }
}

/// What runs at the entry of `amd_clear_bank()`.
struct Guard {
    cpu: Cpu,
    announced: AtomicBool,
    _counters: sys::Dir,
}

impl Guard {
    fn new(cpu: Cpu) -> Result<Self> {
        Ok(Self {
            cpu,
            announced: AtomicBool::new(false),
            _counters: counters::show(c"amd_mce_guard")?,
        })
    }

    /// Tells of the first guarded record since loading: one line, so that an error storm on the
    /// machine does not become one in the log. The rest is in debugfs.
    #[cold]
    fn announce(&self, bank: u8, status: Status) {
        if !self.announced.swap(true, Relaxed) {
            pr_warn!(
                "first deferred error guarded: bank {bank}, status {:#018x}\n",
                status.bits()
            );
        }
    }
}

impl ftrace::Handler<AmdClearBank> for Guard {
    fn enter(&self, record: &mut Record) {
        let polled = Request {
            status: record.status(),
            kflags: record.kflags(),
        };
        let checked = polled.checked(self.cpu);
        let guarded = checked != polled;

        if guarded {
            record.set_status(checked.status);
            record.set_kflags(checked.kflags);
        }
        counters::count(record.bank(), guarded);
        if guarded && !self.announced.load(Relaxed) {
            self.announce(record.bank(), polled.status);
        }
    }
}

#[kunit_tests(amd_mce_guard_explain)]
mod tests {
    use super::*;

    #[test]
    fn no_function_to_hook_is_nothing_to_guard() {
        assert_eq!(explain(EINVAL), ENODEV);
    }

    #[test]
    fn ftrace_off_stays_busy() {
        assert_eq!(explain(EBUSY), EBUSY);
    }

    #[test]
    fn other_errors_are_passed_on() {
        assert_eq!(explain(ENOMEM), ENOMEM);
    }
}
