// SPDX-License-Identifier: GPL-2.0

//! Polling all banks once more, before nobody guards them.
//!
//! An error that waits in a bank when the hook goes panics the guest at the next poll. One that
//! waits there when the machine reboots is found by the first poll of the next boot, which precedes
//! every module: a bank outlives the reboot.
//!
//! C source: [`machine_check_poll()`](srctree/arch/x86/kernel/cpu/mce/core.c)
//!
//! C header: [`include/linux/reboot.h`](srctree/include/linux/reboot.h)

use kernel::{error::to_result, prelude::*, types::Opaque};

use crate::bindings;

/// Polls the banks of each CPU that is online when the machine reboots, halts or powers off in an
/// orderly way, and when this is dropped.
///
/// Each CPU does so by itself, with interrupts off, as its timer does: errors are logged as always.
///
/// # Invariants
///
/// The notifier is registered as one of reboots.
pub(crate) struct Sweep(Pin<KBox<Opaque<bindings::notifier_block>>>);

// SAFETY: The notifier is touched by the kernel alone, under its own locks, until drop.
unsafe impl Send for Sweep {}

// SAFETY: There is nothing to do with a shared reference.
unsafe impl Sync for Sweep {}

impl Sweep {
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub(crate) fn new() -> Result<Self> {
        let notifier = KBox::pin(Opaque::zeroed(), GFP_KERNEL)?;
        let block: *mut bindings::notifier_block = notifier.get();

        // SAFETY: `block` is ours alone so far.
        unsafe { (*block).notifier_call = Some(bindings::rust_helper_sweep_at_reboot) };
        // SAFETY: `block` is initialized, and stays until `drop` takes it off the list.
        to_result(unsafe { bindings::register_reboot_notifier(block) })?;
        // INVARIANT: It is registered.
        Ok(Self(notifier))
    }
}

/// Polls the banks of each CPU, and waits until all have done so.
pub(crate) fn poll_each_cpu() {
    // SAFETY: The module is loaded and unloaded in a task that may sleep, so interrupts are on.
    unsafe { bindings::rust_helper_poll_each_cpu() };
}

impl Drop for Sweep {
    fn drop(&mut self) {
        // SAFETY: By the type invariant. It waits for those that are being called.
        unsafe { bindings::unregister_reboot_notifier(self.0.get()) };
        poll_each_cpu();
    }
}
