// SPDX-License-Identifier: GPL-2.0

//! Hooks at the entry of kernel functions.
//!
//! A [`Registration`] calls a [`Callback`] each time a [`Function`] of the kernel is entered,
//! before the first instruction of its body, with the function's own first argument.
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
/// - be entered only while RCU is watching, and never from an NMI or a machine check exception, so
///   that safe code may rely on RCU and on [`Sync`] as it does elsewhere;
/// - take as its first argument a pointer that is never NULL, is valid and aligned, and is not used
///   by anybody else from the moment the function is entered until its body first uses it;
/// - have behind that pointer a valid [`Arg`](Self::Arg).
///
/// The body of the function, and whoever called it, must accept any `Arg` that safe code can leave
/// there. That includes what the compiler has concluded in a caller: where it knows the body, it
/// may keep a value over the call that the body does not change.
pub unsafe trait Function: 'static {
    /// What the function's first argument points to.
    type Arg;
}

/// Where a [`Function`] is.
///
/// # Invariants
///
/// It is the address of `F`, as a call of it has it, in the kernel itself: it does not go away.
#[repr(transparent)]
pub struct Address<F: Function>(usize, PhantomData<fn() -> F>);

impl<F: Function> Address<F> {
    /// # Safety
    ///
    /// There must be `F` at `address`, in the kernel itself and not in a module; or nothing that
    /// ftrace can trace.
    pub unsafe fn new(address: usize) -> Self {
        // INVARIANT: By this function's contract.
        Self(address, PhantomData)
    }

    /// The address.
    pub fn get(&self) -> usize {
        self.0
    }
}

/// What ftrace calls, a `ftrace_func_t`.
pub type Func =
    unsafe extern "C" fn(c_ulong, c_ulong, *mut bindings::ftrace_ops, *mut bindings::ftrace_regs);

/// How a callback is registered: `FTRACE_OPS_FL_*`.
#[derive(Clone, Copy)]
pub struct Flags(c_ulong);

impl Flags {
    /// As a tracer, which the sysctl `kernel.ftrace_enabled` switches off with all others.
    #[cfg_attr(not(CONFIG_KUNIT = "y"), expect(dead_code, reason = "for the tests"))]
    pub const NONE: Self = Self(0);
    /// The kernel does not work without the callback, so `kernel.ftrace_enabled` cannot be set to 0
    /// while it is registered (`FTRACE_OPS_FL_PERMANENT`).
    pub const PERMANENT: Self = Self(bindings::FTRACE_OPS_FL_PERMANENT as c_ulong);
}

/// What to do when `F` is entered.
pub trait Callback<F: Function>: Sync {
    /// Called at each entry of `F`, on the CPU and in the context that entered it.
    ///
    /// That may be any context `F` is called in, hard interrupts included, and it may interrupt
    /// another call on the same CPU; so it must not sleep or wait. What it leaves in `arg` is what
    /// the body of `F` finds there. `ip` is where the function calls ftrace: at its
    /// [`Address`], or a few bytes behind.
    fn entered(&self, ip: usize, arg: &mut F::Arg);
}

/// What ftrace knows of, in memory that stays where it is.
struct Ops<T> {
    ops: Opaque<bindings::ftrace_ops>,
    callback: T,
}

impl<T> Ops<T> {
    /// Whether ftrace has `ops` registered, by its own mark there.
    fn is_enabled(&self) -> bool {
        // SAFETY: `ops` is initialized. ftrace writes to it within the calls of this file only.
        let flags = unsafe { (*self.ops.get()).flags };

        flags & bindings::FTRACE_OPS_FL_ENABLED as c_ulong != 0
    }
}

/// Whether ftrace has disabled itself, which unregistering `ops` does not say if that was when it
/// changed the code. Anything else that it is asked for does.
fn ftrace_is_dead(ops: *mut bindings::ftrace_ops) -> bool {
    // SAFETY: Its callers have an initialized `ops` that is not registered; with no name there is
    // nothing to read.
    let errno = unsafe { bindings::ftrace_set_filter(ops, core::ptr::null_mut(), 0, 1) };

    errno == ENODEV.to_errno()
}

/// The registration of a [`Callback`] at the entry of a [`Function`], from
/// [`Registration::with_func`] until it is dropped or [unregistered](Self::unregister).
///
/// # Invariants
///
/// If there are `Ops`, their `ops` are registered with ftrace, with a function that calls
/// [`Registration::dispatch`] and a filter that has entries of `F` and nothing else.
pub struct Registration<F: Function, T: Callback<F> + 'static>(
    Option<Pin<KBox<Ops<T>>>>,
    PhantomData<fn() -> F>,
);

// SAFETY: `ops` is touched by ftrace alone, under its own locks, until it is unregistered.
unsafe impl<F: Function, T: Callback<F> + Send> Send for Registration<F, T> {}

// SAFETY: A shared reference gives access to nothing but the callback, which is `Sync`.
unsafe impl<F: Function, T: Callback<F>> Sync for Registration<F, T> {}

impl<F: Function, T: Callback<F> + 'static> Registration<F, T> {
    /// Hooks the entry of each of `targets`. The callback is live when this returns, and may be
    /// before. ftrace calls `func`, which may be C and look at more than this file does.
    ///
    /// # Errors
    ///
    /// - [`EINVAL`]: one of `targets` cannot be traced, or there are none;
    /// - [`EBUSY`]: the sysctl `kernel.ftrace_enabled` is 0, and `flags` are
    ///   [`PERMANENT`](Flags::PERMANENT);
    /// - [`ENODEV`]: ftrace has disabled itself after an internal error;
    /// - [`EIO`]: it has done so just now, and may call `func` for ever;
    /// - [`ENOMEM`].
    ///
    /// # Safety
    ///
    /// - `func` must call [`dispatch`](Self::dispatch) with the `ip`, the `ops` and the first
    ///   argument of `F` that ftrace gives it, and do nothing else; neither may be traced.
    /// - `callback` must not lead to an entry of `F` again, unless `flags` have ftrace skip such
    ///   entries.
    /// - Where `func` and `T` are a module's, that must not go away before the registration has
    ///   been [unregistered](Self::unregister), or dropped, without an error, nor after [`EIO`]. So
    ///   the module must not leak the registration.
    pub unsafe fn with_func(
        callback: T,
        targets: &[Address<F>],
        flags: Flags,
        func: Func,
    ) -> Result<Self> {
        // An empty filter would let every function through.
        let count = match c_uint::try_from(targets.len()) {
            Ok(count) if count > 0 => count,
            _ => return Err(EINVAL),
        };
        let ips = targets.as_ptr().cast_mut().cast::<c_ulong>();

        // SAFETY: By this function's contract. With `ops` initialized, ftrace reads `count`
        // addresses from `ips`, which `Address` is transparent for, and looks up each.
        unsafe {
            Self::register(callback, flags, func, |ops| {
                bindings::ftrace_set_filter_ips(ops, ips, count, 0, 1)
            })
        }
    }

    /// # Safety
    ///
    /// As for [`with_func`](Self::with_func); and `set_filter` must be safe to call with an
    /// initialized `ops`, and leave there a filter that has entries of `F` and nothing else, or
    /// return an error.
    unsafe fn register(
        callback: T,
        flags: Flags,
        func: Func,
        set_filter: impl FnOnce(*mut bindings::ftrace_ops) -> c_int,
    ) -> Result<Self> {
        // Zeroes are how C starts one, too.
        let ops = Opaque::zeroed();
        let registered = KBox::pin(Ops { ops, callback }, GFP_KERNEL)?;
        let ops = registered.ops.get();

        // SAFETY: `ops` is ours alone so far.
        unsafe {
            (*ops).func = Some(func);
            (*ops).flags = flags.0;
        }
        let result = to_result(set_filter(ops))
            // SAFETY: `ops` is initialized, and stays until it has been unregistered.
            .and_then(|()| to_result(unsafe { bindings::register_ftrace_function(ops) }));

        match (result, registered.is_enabled()) {
            // INVARIANT: They are registered, with such a `func` and filter by this function's
            // contract.
            (Ok(()), true) => Ok(Self(Some(registered), PhantomData)),
            (result, false) => {
                // SAFETY: `ops` is initialized and not registered.
                unsafe { bindings::ftrace_free_filter(ops) };
                Err(result.err().unwrap_or(ENODEV))
            }
            (Err(_), true) => {
                // ftrace has failed on the way. It has taken `ops` off its list, and has not waited
                // for those who still look at it.
                core::mem::forget(registered);
                Err(EIO)
            }
        }
    }

    /// Returns the callback that was registered.
    #[cfg_attr(not(CONFIG_KUNIT = "y"), expect(dead_code, reason = "for the tests"))]
    pub fn callback(&self) -> Option<&T> {
        self.0.as_ref().map(|registered| &registered.callback)
    }

    /// Ends the registration. When this returns no callback runs any more, and none will.
    ///
    /// # Errors
    ///
    /// [`ENODEV`]: ftrace has disabled itself after an internal error, now or before, and takes
    /// nothing back. The callback may be called for ever; it is never dropped.
    pub fn unregister(mut self) -> Result {
        self.remove()
    }

    fn remove(&mut self) -> Result {
        let Some(registered) = self.0.take() else {
            return Ok(());
        };
        let ops = registered.ops.get();

        // SAFETY: By the type invariants `ops` is registered.
        let result = to_result(unsafe { bindings::unregister_ftrace_function(ops) });
        if result.is_err() || registered.is_enabled() || ftrace_is_dead(ops) {
            core::mem::forget(registered);
            return Err(ENODEV);
        }
        // SAFETY: `ops` is not registered any more: unregistering has waited for every call.
        unsafe { bindings::ftrace_free_filter(ops) };
        Ok(())
    }

    /// Passes an entry of `F` on to the callback. Nothing here is traced: Rust code has no fentry.
    ///
    /// # Safety
    ///
    /// Only the `func` given to [`with_func`](Self::with_func) may call this, at the entry of `F`,
    /// with the `ip` and `ops` that ftrace passes to it and the first argument of `F`.
    pub unsafe fn dispatch(ip: c_ulong, ops: *mut bindings::ftrace_ops, arg: *mut F::Arg) {
        let ops = ops.cast::<Opaque<bindings::ftrace_ops>>();
        // SAFETY: By this function's contract `ops` is a field of an `Ops`, which was initialized
        // before it was registered and is not freed before ftrace has waited for this call.
        let callback = unsafe { &(*container_of!(ops, Ops<T>, ops)).callback };

        // SAFETY: By the contract of `Function` the first argument points to a valid `F::Arg` that
        // is nobody else's until the body of `F` runs, which is after we return.
        callback.entered(ip, unsafe { &mut *arg });
    }
}

impl<F: Function, T: Callback<F> + 'static> Drop for Registration<F, T> {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            pr_emerg!("ftrace has failed and goes on calling a hook that was to go ({error:?})\n");
        }
    }
}

#[kunit_tests(amd_mce_guard_ftrace)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    /// `int sprint_symbol(char *buffer, unsigned long address)`
    struct SprintSymbol;

    // SAFETY: Here it is called by `enter()` alone that counts, in a task. Every caller passes a
    // buffer of its own, of which nothing but this function's own output is read.
    unsafe impl Function for SprintSymbol {
        type Arg = u8;
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Callback<SprintSymbol> for Count {
        fn entered(&self, _ip: usize, _buffer: &mut u8) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    type Counted = Registration<SprintSymbol, Count>;

    /// # Safety
    ///
    /// Only `rust_helper_sprint_symbol_entered()` may call this.
    #[no_mangle]
    unsafe extern "C" fn rust_sprint_symbol_entered(
        ip: c_ulong,
        ops: *mut bindings::ftrace_ops,
        buffer: *mut u8,
    ) {
        // SAFETY: `rust_helper_sprint_symbol_entered()` calls this, which `count_at()` registers.
        unsafe { Counted::dispatch(ip, ops, buffer) }
    }

    fn count_at(address: usize) -> Result<Counted> {
        // SAFETY: The tests pass that of `sprint_symbol()` or of data.
        let address = unsafe { Address::new(address) };
        let func = bindings::rust_helper_sprint_symbol_entered;

        // SAFETY: The C function calls `rust_sprint_symbol_entered()` and neither is traced. The
        // callback counts and does nothing else. No test leaks what this returns.
        unsafe { Registration::with_func(Count::default(), &[address], Flags::NONE, func) }
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
        let count = hook.as_ref().ok()?.callback()?;
        Some(count.0.load(Relaxed))
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
    fn unregistering_says_that_it_is_done() {
        assert_eq!(count().and_then(Registration::unregister), Ok(()));
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
