// SPDX-License-Identifier: GPL-2.0

//! Rust ftrace sample: counts how often a kernel function is entered.

use kernel::{
    bindings,
    ftrace::{
        self,
        Address,
        Flags,
        Registration, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

module! {
    type: RustFtrace,
    name: "rust_ftrace",
    authors: ["Rust for Linux Contributors"],
    description: "Rust ftrace sample",
    license: "GPL",
}

/// `int wake_up_process(struct task_struct *p)`
struct WakeUpProcess;

// SAFETY: It takes locks that no NMI and no machine check exception may take, and is called where
// RCU is watching. `p` is never NULL. Others use that task, but `Arg` has no bytes of
// it.
unsafe impl ftrace::Function for WakeUpProcess {
    type Arg = ();
}

struct Count(Atomic<u64>);

impl ftrace::Callback<WakeUpProcess> for Count {
    fn entered(&self, _ip: usize, _p: &mut ()) {
        self.0.fetch_add(1, Relaxed);
    }
}

struct RustFtrace(Registration<WakeUpProcess, Count>);

impl kernel::Module for RustFtrace {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: The function is there, in the kernel itself.
        let target = unsafe { Address::new(bindings::wake_up_process as usize) };
        // SAFETY: Counting wakes up nobody. The module owns the registration, and so drops it
        // before it goes away.
        let hook = unsafe { Registration::new(Count(Atomic::new(0)), &[target], Flags::NONE) }?;

        pr_info!("counting entries of wake_up_process()\n");
        Ok(Self(hook))
    }
}

impl Drop for RustFtrace {
    fn drop(&mut self) {
        if let Some(count) = self.0.callback() {
            pr_info!(
                "wake_up_process() was entered {} times\n",
                count.0.load(Relaxed)
            );
        }
    }
}
