// SPDX-License-Identifier: GPL-2.0

//! Hooks at the entry of kernel functions.
//!
//! A [`Registration`] calls a [`Handler`] each time a [`Function`] of the kernel is entered, before
//! the first instruction of its body, with the function's own first argument.
//!
//! C header: [`include/linux/ftrace.h`](srctree/include/linux/ftrace.h)
//!
//! Reference: <https://docs.kernel.org/trace/ftrace-uses.html>

#![allow(
    unreachable_pub,
    reason = "written as rust/kernel/ftrace.rs, whose items are public"
)]

use core::marker::PhantomData;

use kernel::{container_of, error::to_result, prelude::*, types::Opaque};

use crate::bindings;

/// A kernel function whose entry can be hooked.
///
/// # Safety
///
/// The function must
///
/// - take as its first argument a pointer that is valid, aligned, and not accessed by anybody else
///   from the moment the function is entered until its body first uses it;
/// - have behind that pointer a valid [`Arg`](Self::Arg), and accept any other valid one left
///   there.
pub unsafe trait Function: 'static {
    /// What the function's first argument points to.
    type Arg;
}

/// Where a [`Function`] is.
///
/// # Invariants
///
/// It is the address of `F`, as a call of it has it, in the kernel itself: it does not go away.
pub struct Address<F: Function>(c_ulong, PhantomData<fn() -> F>);

impl<F: Function> Address<F> {
    /// # Safety
    ///
    /// There must be `F` at `address`, in the kernel itself and not in a module; or nothing that
    /// ftrace can trace.
    pub unsafe fn new(address: usize) -> Self {
        // INVARIANT: By this function's contract.
        Self(address as c_ulong, PhantomData)
    }
}

/// The type of what ftrace calls.
pub type Callback =
    unsafe extern "C" fn(c_ulong, c_ulong, *mut bindings::ftrace_ops, *mut bindings::ftrace_regs);

/// What to do when `F` is entered.
pub trait Handler<F: Function>: Sync {
    /// Called at each entry of `F`, on the CPU and in the context that entered it.
    ///
    /// That may be any context `F` is called in, hard interrupts included, and it may interrupt
    /// another `enter()` on the same CPU; so it must not sleep, allocate or take a lock. RCU may
    /// not be watching. It must not lead to `F` again: there is no protection against recursion,
    /// since that would skip calls. What it leaves in `arg` is what the body of `F` finds there.
    fn enter(&self, arg: &mut F::Arg);
}

/// The registration of a [`Handler`] at the entry of a [`Function`].
///
/// The handler is live from the moment the initializer returned by [`Registration::new`] succeeds
/// until the registration is dropped. While it is, the sysctl `kernel.ftrace_enabled` cannot be
/// set to 0: the hook is permanent (`FTRACE_OPS_FL_PERMANENT`).
///
/// # Invariants
///
/// `ops` is registered with ftrace, with a callback that calls [`Registration::entered`] and a
/// filter that has the entry of `F` and nothing else.
#[pin_data(PinnedDrop)]
pub struct Registration<F: Function, T: Handler<F> + 'static> {
    #[pin]
    ops: Opaque<bindings::ftrace_ops>,
    #[pin]
    handler: T,
    _function: PhantomData<fn() -> F>,
}

// SAFETY: `ops` is touched by ftrace alone, under its own locks, until drop.
unsafe impl<F: Function, T: Handler<F> + Send> Send for Registration<F, T> {}

// SAFETY: A shared reference gives access to nothing but the handler, which is `Sync`.
unsafe impl<F: Function, T: Handler<F>> Sync for Registration<F, T> {}

impl<F: Function, T: Handler<F> + 'static> Registration<F, T> {
    /// Returns an initializer that hooks the entry of `F` for `handler`.
    ///
    /// ftrace calls `callback`, which is C: kernels with kCFI call no other through a pointer,
    /// unless they have `CONFIG_CFI_ICALL_NORMALIZE_INTEGERS`.
    ///
    /// # Errors
    ///
    /// - [`EINVAL`]: nothing at `address` can be traced;
    /// - [`EBUSY`]: the sysctl `kernel.ftrace_enabled` is 0;
    /// - [`ENODEV`]: ftrace has disabled itself after an internal error;
    /// - [`ENOMEM`].
    ///
    /// # Safety
    ///
    /// `callback` must call [`Registration::<F, T>::entered`](Self::entered) with the `ops` and the
    /// first argument of `F` that ftrace gives it, and do nothing else; neither may be traced.
    pub unsafe fn new<E>(
        handler: impl PinInit<T, E>,
        address: Address<F>,
        callback: Callback,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        try_pin_init!(Self {
            // The callback may run before the last field's initializer returns: `ops` comes last.
            handler <- handler,
            _function: PhantomData,
            // INVARIANT: An error leaves nothing registered and no `Registration` behind.
            ops <- Opaque::try_ffi_init(move |ops| Self::register(ops, &address, callback)),
        })
    }

    /// Returns the handler that was registered.
    #[cfg_attr(not(CONFIG_KUNIT = "y"), expect(dead_code, reason = "for the tests"))]
    pub fn handler(&self) -> &T {
        &self.handler
    }

    /// Initializes `ops` and registers it; on error nothing is left behind.
    fn register(
        ops: *mut bindings::ftrace_ops,
        address: &Address<F>,
        callback: Callback,
    ) -> Result {
        // SAFETY: `ops` points to memory for a `ftrace_ops`, ours alone so far; all zeroes is how C
        // starts one, too.
        unsafe {
            ops.write_bytes(0, 1);
            (*ops).func = Some(callback);
            (*ops).flags = bindings::FTRACE_OPS_FL_PERMANENT;
        }

        // SAFETY: `ops` is initialized, and ours alone.
        to_result(unsafe { bindings::ftrace_set_filter_ip(ops, address.0, 0, 1) })
            .and_then(|()| {
                // SAFETY: `ops` is initialized, is pinned and lives until `drop` unregisters it.
                // The handler that the callback uses has been initialized before `ops`.
                to_result(unsafe { bindings::register_ftrace_function(ops) })
            })
            .inspect_err(|error| {
                // SAFETY: `ops` is initialized; on this path nobody else writes to it.
                if unsafe { (*ops).flags } & bindings::FTRACE_OPS_FL_ENABLED != 0 {
                    never_return(*error);
                }
                // SAFETY: `ops` is initialized and not registered.
                unsafe { bindings::ftrace_free_filter(ops) }
            })
    }

    /// Passes an entry of `F` on to the handler. Nothing here is traced: Rust code has no fentry.
    ///
    /// # Safety
    ///
    /// Only the callback given to [`Registration::new`] may call this, at the entry of `F`, with
    /// the `ops` that ftrace passes to it and the first argument of `F`.
    pub unsafe fn entered(ops: *mut bindings::ftrace_ops, arg: *mut F::Arg) {
        let ops = ops.cast::<Opaque<bindings::ftrace_ops>>();
        // SAFETY: By this function's contract `ops` is a field of a `Registration`. Its handler was
        // initialized before it was registered, and drop waits for us before the handler goes.
        let handler = unsafe { &(*container_of!(ops, Self, ops)).handler };

        // SAFETY: By the contract of `Function` the first argument points to a valid `F::Arg` that
        // is nobody else's until the body of `F` runs, which is after we return.
        handler.enter(unsafe { &mut *arg });
    }
}

#[pinned_drop]
impl<F: Function, T: Handler<F> + 'static> PinnedDrop for Registration<F, T> {
    fn drop(self: Pin<&mut Self>) {
        let ops = self.ops.get();

        // SAFETY: By the type invariant `ops` is registered.
        if let Err(error) = to_result(unsafe { bindings::unregister_ftrace_function(ops) }) {
            never_return(error);
        }

        // If changing the code has failed, ftrace is off from now on, and it has not said so.
        // SAFETY: `ops` is initialized and not registered; with no name there is nothing to read.
        if unsafe { bindings::ftrace_set_filter(ops, core::ptr::null_mut(), 0, 1) }
            == ENODEV.to_errno()
        {
            never_return(ENODEV);
        }

        // SAFETY: `ops` is not registered any more: unregistering has waited for every callback.
        unsafe { bindings::ftrace_free_filter(ops) };
    }
}

/// Keeps a hook that ftrace cannot take back, after it has shut itself down on an internal error.
///
/// The callback may still be called and there is no way left to wait for it, so neither its code
/// nor the handler may go away: whoever loads or unloads the module stops here for good.
#[cold]
fn never_return(error: Error) -> ! {
    pr_emerg!("ftrace has failed and cannot remove the hook ({error:?}); reboot this machine\n");
    loop {
        // SAFETY: Loading and unloading may sleep. An idle sleep does not count as a hung task.
        unsafe { bindings::schedule_timeout_idle(c_long::MAX) };
    }
}

#[kunit_tests(amd_mce_guard_ftrace)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    /// `int sprint_symbol(char *buffer, unsigned long address)`
    struct SprintSymbol;

    // SAFETY: Every caller passes a buffer of its own, whose first byte may be anything.
    unsafe impl Function for SprintSymbol {
        type Arg = u8;
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Handler<SprintSymbol> for Count {
        fn enter(&self, _buffer: &mut u8) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    type Counted = Pin<KBox<Registration<SprintSymbol, Count>>>;

    /// # Safety
    ///
    /// Only `rust_helper_sprint_symbol_entered()` may call this.
    #[no_mangle]
    unsafe extern "C" fn rust_sprint_symbol_entered(
        ops: *mut bindings::ftrace_ops,
        buffer: *mut u8,
    ) {
        // SAFETY: `rust_helper_sprint_symbol_entered()` calls this, which `count()` registers.
        unsafe { Registration::<SprintSymbol, Count>::entered(ops, buffer) }
    }

    fn count_at(address: usize) -> Result<Counted> {
        // SAFETY: The tests pass that of `sprint_symbol()` or of data.
        let address = unsafe { Address::new(address) };
        let callback = bindings::rust_helper_sprint_symbol_entered;

        // SAFETY: The C function calls `rust_sprint_symbol_entered()`, and neither is traced.
        let init = unsafe { Registration::new(Count::default(), address, callback) };
        KBox::pin_init(init, GFP_KERNEL)
    }

    fn count() -> Result<Counted> {
        count_at(bindings::sprint_symbol as usize)
    }

    fn enter() {
        let mut buffer = [0; bindings::KSYM_SYMBOL_LEN as usize];

        // SAFETY: The buffer is as large as `sprint_symbol()` demands.
        unsafe { bindings::sprint_symbol(buffer.as_mut_ptr(), 0) };
    }

    fn counted(hook: &Result<Counted>) -> Option<usize> {
        hook.as_ref().ok().map(|h| h.handler().0.load(Relaxed))
    }

    #[test]
    fn each_entry_is_counted() {
        let hook = count();

        enter();
        enter();
        assert_eq!(counted(&hook), Some(2));
    }

    #[test]
    fn data_is_refused() {
        static DATA: u64 = 0;

        assert_eq!(count_at(&raw const DATA as usize).err(), Some(EINVAL));
        // The failure has left nothing behind that a second one could trip over.
        assert_eq!(count_at(&raw const DATA as usize).err(), Some(EINVAL));
    }

    #[test]
    fn registers_again_after_drop() {
        for _ in 0..2 {
            let hook = count();

            enter();
            assert_eq!(counted(&hook), Some(1));
        }
    }

    #[test]
    fn two_registrations_leave_in_either_order() {
        let (first, second) = (count(), count());
        drop(first);
        enter();
        assert_eq!(counted(&second), Some(1));
        drop(second);

        let (first, second) = (count(), count());
        drop(second);
        enter();
        assert_eq!(counted(&first), Some(1));
    }
}
