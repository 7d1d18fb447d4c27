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
/// Every function of the kernel itself that is called [`NAME`](Self::NAME) must
///
/// - take as its first argument a pointer that is valid, aligned, and not accessed by anybody else
///   from the moment the function is entered until its body first uses it;
/// - have behind that pointer a valid [`Arg`](Self::Arg), and accept any other valid one left
///   there.
///
/// Functions of modules are not hooked, whatever they are called.
pub unsafe trait Function: 'static {
    /// What the function's first argument points to.
    type Arg;

    /// The function's symbol, as in `available_filter_functions`.
    const NAME: &'static CStr;
}

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
/// # Examples
///
/// ```ignore
/// use kernel::prelude::*;
///
/// struct MceLog;
///
/// // SAFETY: `mce_log()` takes a pointer to a record that its caller owns, and nothing a handler
/// // may call logs a machine check.
/// unsafe impl ftrace::Function for MceLog {
///     type Arg = bindings::mce_hw_err;
///     const NAME: &'static CStr = c"mce_log";
/// }
///
/// #[derive(Default)]
/// struct Count(AtomicU64);
///
/// impl ftrace::Handler<MceLog> for Count {
///     fn enter(&self, _record: &mut bindings::mce_hw_err) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// let hook = KBox::pin_init(
///     ftrace::Registration::<MceLog, Count>::new(Count::default()),
///     GFP_KERNEL,
/// )?;
/// pr_info!("{} so far\n", hook.handler().0.load(Ordering::Relaxed));
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// `ops` is registered with ftrace, with [`Registration::entered`] as its callback and a filter
/// that has the entry of the kernel's function called `F::NAME`. It may have entries in modules,
/// too.
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
    /// # Errors
    ///
    /// - [`EINVAL`]: no traceable function is called `F::NAME` (it does not exist here, or the
    ///   compiler has inlined or renamed it), or the name is not a plain symbol;
    /// - [`EBUSY`]: the sysctl `kernel.ftrace_enabled` is 0;
    /// - [`ENODEV`]: ftrace has disabled itself after an internal error;
    /// - [`ENOMEM`].
    pub fn new<E>(handler: impl PinInit<T, E>) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        try_pin_init!(Self {
            // The callback may run before the last field's initializer returns: `ops` comes last.
            handler <- handler,
            _function: PhantomData,
            // INVARIANT: An error leaves nothing registered and no `Registration` behind.
            ops <- Opaque::try_ffi_init(Self::register),
        })
    }

    /// Returns the handler that was registered.
    #[expect(
        dead_code,
        reason = "part of the abstraction, though this module has no use for it"
    )]
    pub fn handler(&self) -> &T {
        &self.handler
    }

    /// Initializes `ops` and registers it; on error nothing is left behind.
    fn register(ops: *mut bindings::ftrace_ops) -> Result {
        let mut name = plain_symbol(F::NAME)?;

        // SAFETY: `ops` points to memory for a `ftrace_ops`, ours alone so far; all zeroes is how C
        // starts one, too.
        unsafe {
            ops.write_bytes(0, 1);
            (*ops).func = Some(Self::entered);
            (*ops).flags = bindings::FTRACE_OPS_FL_PERMANENT;
        }

        // SAFETY: `ops` is initialized, and ours alone.
        unsafe { Self::set_filter(ops, &mut name) }
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

    /// Makes the functions called `name`, which ends in a NUL, those that `ops` is for.
    ///
    /// If memory runs out at the wrong moment, `ftrace_set_filter()` adds nothing and reports
    /// success: it takes the error of `match_records()` for a match. An `ops` without a filter is
    /// called at the entry of every function of the kernel, so look at what has become of it.
    ///
    /// # Safety
    ///
    /// `ops` must be initialized, and nobody else's.
    unsafe fn set_filter(ops: *mut bindings::ftrace_ops, name: &mut [u8]) -> Result {
        let len = (name.len() - 1) as c_int;
        // SAFETY: By this function's contract, and setting a filter has made `func_hash` point to
        // what `ops` contains. There is one empty filter, whose address tells it from others.
        let filter = || unsafe { (*(*ops).func_hash).filter_hash };

        // SAFETY: By this function's contract. With no name to read the filter becomes empty.
        to_result(unsafe { bindings::ftrace_set_filter(ops, core::ptr::null_mut(), 0, 1) })?;
        let empty = filter();

        // SAFETY: By this function's contract; `name` is `len` bytes and a NUL, to be written to.
        to_result(unsafe { bindings::ftrace_set_filter(ops, name.as_mut_ptr(), len, 0) })?;
        if filter() == empty {
            return Err(ENOMEM);
        }
        Ok(())
    }

    /// The callback ftrace calls. Neither this nor what it calls up to the handler is traced: Rust
    /// code has no fentry, and the helper is built without.
    ///
    /// # Safety
    ///
    /// Only ftrace may call this, at the entry of `F`, with the `ops` of a `Registration<F, T>`.
    unsafe extern "C" fn entered(
        ip: c_ulong,
        _parent_ip: c_ulong,
        ops: *mut bindings::ftrace_ops,
        fregs: *mut bindings::ftrace_regs,
    ) {
        // A filter by name takes in modules, and keeps the address of what was in a module that has
        // gone: what is there now may be any function.
        if ip >= bindings::MODULES_VADDR as c_ulong {
            return;
        }

        let ops = ops.cast::<Opaque<bindings::ftrace_ops>>();
        // SAFETY: By this function's contract `ops` is a field of a `Registration`. Its handler was
        // initialized before it was registered, and drop waits for us before the handler goes.
        let handler = unsafe { &(*container_of!(ops, Self, ops)).handler };

        // SAFETY: ftrace passes the registers at the entry of `F`, valid until we return.
        let arg = unsafe { bindings::rust_helper_ftrace_regs_get_argument(fregs, 0) };

        // SAFETY: By the contract of `Function` the first argument points to a valid `F::Arg` that
        // is nobody else's until the body of `F` runs, which is after we return.
        handler.enter(unsafe { &mut *(arg as *mut F::Arg) });
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

/// Copies `name`, with its NUL, if it is one symbol and nothing that a filter would expand: an
/// empty filter, a glob or a number, which is an index, would hook functions that [`Function`]
/// makes no promise about.
fn plain_symbol(name: &CStr) -> Result<KVec<u8>> {
    let symbol = name.to_bytes();
    let plain = symbol
        .iter()
        .all(|c| c.is_ascii_alphanumeric() || b"_.".contains(c));
    if !plain || !matches!(symbol, [first, ..] if !first.is_ascii_digit()) {
        return Err(EINVAL);
    }

    let mut copy = KVec::new();
    copy.extend_from_slice(name.to_bytes_with_nul(), GFP_KERNEL)?;
    Ok(copy)
}

#[kunit_tests(amd_mce_guard_ftrace)]
mod tests {
    use super::*;
    use crate::{mca::Record, sys::AmdClearBank};

    struct Nothing;

    impl<F: Function> Handler<F> for Nothing {
        fn enter(&self, _arg: &mut F::Arg) {}
    }

    fn hook<F: Function>() -> Result<Pin<KBox<Registration<F, Nothing>>>> {
        KBox::pin_init(Registration::new(Nothing), GFP_KERNEL)
    }

    macro_rules! never_entered {
        ($function:ident, $name:literal) => {
            struct $function;

            // SAFETY: No function has this name.
            unsafe impl Function for $function {
                type Arg = Record;
                const NAME: &'static CStr = $name;
            }
        };
    }

    never_entered!(Unknown, c"amd_mce_guard_no_such_function");
    never_entered!(Empty, c"");
    never_entered!(Glob, c"amd_clear_ban*");
    never_entered!(Negated, c"!amd_clear_bank");
    never_entered!(Index, c"1");

    #[test]
    fn unknown_function_is_refused() {
        assert_eq!(hook::<Unknown>().err(), Some(EINVAL));
        // The failure has left nothing behind that a second one could trip over.
        assert_eq!(hook::<Unknown>().err(), Some(EINVAL));
    }

    #[test]
    fn only_a_plain_symbol_is_accepted() {
        assert_eq!(hook::<Empty>().err(), Some(EINVAL));
        assert_eq!(hook::<Glob>().err(), Some(EINVAL));
        assert_eq!(hook::<Negated>().err(), Some(EINVAL));
        assert_eq!(hook::<Index>().err(), Some(EINVAL));
    }

    #[test]
    fn registers_again_after_drop() {
        for _ in 0..2 {
            let registered = hook::<AmdClearBank>();
            assert!(registered.is_ok());
            drop(registered);
        }
    }

    #[test]
    fn two_registrations_leave_in_either_order() {
        let (first, second) = (hook::<AmdClearBank>(), hook::<AmdClearBank>());
        assert!(first.is_ok() && second.is_ok());
        drop(first);
        drop(second);

        let (first, second) = (hook::<AmdClearBank>(), hook::<AmdClearBank>());
        assert!(first.is_ok() && second.is_ok());
        drop(second);
        drop(first);
    }
}
