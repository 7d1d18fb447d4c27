impl Flags {
    /// ftrace skips an entry that the callback itself has led to (`FTRACE_OPS_FL_RECURSION`).
    pub const RECURSION: Self = Self(bindings::FTRACE_OPS_FL_RECURSION as c_ulong);
}

impl core::ops::BitOr for Flags {
    type Output = Self;

    fn bitor(self, rhs: Self) -> Self::Output {
        Self(self.0 | rhs.0)
    }
}

impl<F: Function, T: Callback<F> + 'static> Registration<F, T> {
    /// Hooks the entry of each of `targets`. The callback is live when this returns, and may be
    /// before.
    ///
    /// # Errors
    ///
    /// As of [`with_func`](Self::with_func).
    ///
    /// # Safety
    ///
    /// - `callback` must not lead to an entry of `F` again, unless `flags` have
    ///   [`RECURSION`](Flags::RECURSION).
    /// - A module must not go away before the registration has been
    ///   [unregistered](Self::unregister), or dropped, without an error, nor after [`EIO`]. So it
    ///   must not leak the registration.
    ///
    /// # Examples
    ///
    /// Count the entries of a function in C, `void ftrace_test_one(unsigned long *value)`:
    ///
    /// ```
    /// # #[cfg(CONFIG_KUNIT = "y")] {
    /// use kernel::{
    ///     bindings,
    ///     ftrace::{self, Address, Flags, Registration},
    ///     sync::atomic::{Atomic, Relaxed}, //
    /// };
    ///
    /// struct TestOne;
    ///
    /// // SAFETY: Here it is called in a task alone, with a `&mut usize`, by those who expect the
    /// // value to change.
    /// unsafe impl ftrace::Function for TestOne {
    ///     type Arg = usize;
    /// }
    ///
    /// struct Count(Atomic<usize>);
    ///
    /// impl ftrace::Callback<TestOne> for Count {
    ///     fn entered(&self, _ip: usize, value: &mut usize) {
    ///         self.0.fetch_add(1, Relaxed);
    ///         *value += 1;
    ///     }
    /// }
    ///
    /// // SAFETY: The function is there, in the kernel itself.
    /// let target = unsafe { Address::<TestOne>::new(bindings::ftrace_test_one as usize) };
    /// // SAFETY: Counting does not lead to the function, and the registration is dropped below.
    /// let hook = unsafe { Registration::new(Count(Atomic::new(0)), &[target], Flags::NONE) }?;
    ///
    /// let mut value = 40;
    /// for _ in 0..2 {
    ///     // SAFETY: `value` is valid.
    ///     unsafe { bindings::ftrace_test_one(&mut value) };
    /// }
    /// assert_eq!(value, 42);
    /// assert_eq!(hook.callback().map(|count| count.0.load(Relaxed)), Some(2));
    ///
    /// drop(hook);
    /// // SAFETY: `value` is valid.
    /// unsafe { bindings::ftrace_test_one(&mut value) };
    /// assert_eq!(value, 42);
    /// # }
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// CPUs enter a function at the same time, so a callback is shared between them:
    ///
    /// ```ignore,compile_fail
    /// struct Count(core::cell::Cell<usize>);
    ///
    /// // error[E0277]: `Cell<usize>` cannot be shared between threads safely
    /// impl ftrace::Callback<TestOne> for Count {
    ///     fn entered(&self, _ip: usize, _value: &mut usize) {
    ///         self.0.set(self.0.get() + 1);
    ///     }
    /// }
    /// ```
    pub unsafe fn new(callback: T, targets: &[Address<F>], flags: Flags) -> Result<Self> {
        // SAFETY: `func` calls `dispatch` and does nothing else. It is in Rust, which is not
        // traced. All else by this function's contract.
        unsafe { Self::with_func(callback, targets, flags, Self::func) }
    }

    /// Hooks the entry of what is called `name`, as [`Registration::new`] does.
    ///
    /// # Errors
    ///
    /// As of [`with_func`](Self::with_func); [`EINVAL`] if there is nothing of that name that can
    /// be traced.
    ///
    /// # Safety
    ///
    /// As for [`Registration::new`]. Everything of that name must be `F`: functions of modules are
    /// found, too, and `*`, `?` and `[` are not taken for themselves.
    ///
    /// # Examples
    ///
    /// ```
    /// # use kernel::{ffi::c_void, ftrace::{self, Flags, Registration}};
    /// # struct Nobody;
    /// # // SAFETY: There is no such function.
    /// # unsafe impl ftrace::Function for Nobody {
    /// #     type Arg = c_void;
    /// # }
    /// # struct Nothing;
    /// # impl ftrace::Callback<Nobody> for Nothing {
    /// #     fn entered(&self, _ip: usize, _arg: &mut c_void) {}
    /// # }
    /// // SAFETY: Nothing has that name.
    /// let hook = unsafe {
    ///     Registration::<Nobody, _>::by_name(Nothing, c"there_is_no_such_function", Flags::NONE)
    /// };
    ///
    /// assert_eq!(hook.err(), Some(EINVAL));
    /// ```
    pub unsafe fn by_name(callback: T, name: &CStr, flags: Flags) -> Result<Self> {
        // An empty name would be an empty filter, which lets every function through.
        let len = match c_int::try_from(name.to_bytes().len()) {
            Ok(len) if len > 0 => len,
            _ => return Err(EINVAL),
        };
        // ftrace takes the name apart in place.
        let mut copy = KVec::new();
        copy.extend_from_slice(name.to_bytes_with_nul(), GFP_KERNEL)?;

        // SAFETY: `func` as in `new`. With `ops` initialized, ftrace reads and writes `len` bytes
        // of the copy and its NUL. All else by this function's contract.
        unsafe {
            Self::register(callback, flags, Self::func, |ops| {
                bindings::ftrace_set_filter(ops, copy.as_mut_ptr(), len, 1)
            })
        }
    }

    /// What ftrace calls.
    ///
    /// # Safety
    ///
    /// Only ftrace may call this, at the entry of `F`, for the `ops` of a `Registration`.
    unsafe extern "C" fn func(
        ip: c_ulong,
        _parent_ip: c_ulong,
        ops: *mut bindings::ftrace_ops,
        fregs: *mut bindings::ftrace_regs,
    ) {
        // SAFETY: ftrace passes the registers at the entry of `F`.
        let arg = unsafe { bindings::ftrace_regs_get_argument(fregs, 0) };

        // SAFETY: By this function's contract these are what `dispatch` asks for.
        unsafe { Self::dispatch(ip, ops, arg as *mut F::Arg) }
    }
}

#[cfg(CONFIG_RUST_FTRACE_KUNIT_TEST)]
#[kunit_tests(rust_kernel_ftrace)]
mod tests {
    use super::*;
    use crate::{
        sync::{
            atomic::{Atomic, Relaxed},
            Arc,
            Completion, //
        },
        workqueue, //
    };

    /// `void ftrace_test_one(unsigned long *value)`, and `ftrace_test_two()`
    struct Test;

    // SAFETY: Here they are called in tasks alone, with a `&mut usize` of which nothing is
    // expected.
    unsafe impl Function for Test {
        type Arg = usize;
    }

    /// How many entries there were, and where the last one was.
    struct Seen {
        entries: Atomic<usize>,
        ip: Atomic<usize>,
    }

    impl Callback<Test> for Arc<Seen> {
        fn entered(&self, ip: usize, _value: &mut usize) {
            self.entries.fetch_add(1, Relaxed);
            self.ip.store(ip, Relaxed);
        }
    }

    fn one() -> Address<Test> {
        // SAFETY: The function is there, in the kernel itself.
        unsafe { Address::new(bindings::ftrace_test_one as usize) }
    }

    fn two() -> Address<Test> {
        // SAFETY: As above.
        unsafe { Address::new(bindings::ftrace_test_two as usize) }
    }

    fn seen() -> Result<Arc<Seen>> {
        let (entries, ip) = (Atomic::new(0), Atomic::new(0));

        Ok(Arc::new(Seen { entries, ip }, GFP_KERNEL)?)
    }

    fn hook(seen: &Arc<Seen>, at: &[Address<Test>]) -> Result<Registration<Test, Arc<Seen>>> {
        // SAFETY: Counting leads to neither function. No test leaks what this returns.
        unsafe { Registration::new(seen.clone(), at, Flags::NONE) }
    }

    fn enter_one() {
        // SAFETY: A valid pointer.
        unsafe { bindings::ftrace_test_one(&mut 0) }
    }

    fn enter_two() {
        // SAFETY: A valid pointer.
        unsafe { bindings::ftrace_test_two(&mut 0) }
    }

    #[test]
    fn no_other_function_is_hooked() -> Result {
        let seen = seen()?;
        let _hook = hook(&seen, &[one()])?;

        enter_two();
        assert_eq!(seen.entries.load(Relaxed), 0);
        enter_one();
        assert_eq!(seen.entries.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn several_functions_are_told_apart_by_ip() -> Result {
        let seen = seen()?;
        let _hook = hook(&seen, &[one(), two()])?;

        enter_one();
        let first = seen.ip.load(Relaxed);
        enter_two();
        let second = seen.ip.load(Relaxed);

        assert_eq!(seen.entries.load(Relaxed), 2);
        // Both are compiled alike.
        assert_eq!(first - one().get(), second - two().get());
        assert_ne!(first, second);
        Ok(())
    }

    #[test]
    fn an_empty_list_of_functions_is_refused() -> Result {
        assert_eq!(hook(&seen()?, &[]).err(), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn an_empty_name_is_refused() -> Result {
        // SAFETY: Nothing is hooked.
        let hook = unsafe { Registration::<Test, _>::by_name(seen()?, c"", Flags::NONE) };

        assert_eq!(hook.err(), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn a_function_is_hooked_by_name() -> Result {
        let seen = seen()?;
        let name = c"rust_helper_ftrace_test_one";
        // SAFETY: Counting does not lead to the function, which alone is called so.
        let _hook =
            unsafe { Registration::<Test, _>::by_name(seen.clone(), name, Flags::RECURSION) }?;

        enter_one();
        enter_two();
        assert_eq!(seen.entries.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn data_cannot_be_hooked() -> Result {
        static DATA: usize = 0;
        // SAFETY: It is nothing that can be traced.
        let data = unsafe { Address::new(&raw const DATA as usize) };

        assert_eq!(hook(&seen()?, &[data]).err(), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn an_unregistered_callback_is_dropped() -> Result {
        let seen = seen()?;

        hook(&seen, &[one()])?.unregister()?;
        enter_one();
        assert_eq!(seen.entries.load(Relaxed), 0);
        assert!(Arc::into_unique_or_drop(seen).is_some());
        Ok(())
    }

    /// A task that enters the function on and on, until it is told to stop.
    #[pin_data]
    struct Task {
        entries: Atomic<usize>,
        stop: Atomic<usize>,
        #[pin]
        running: Completion,
        #[pin]
        done: Completion,
    }

    #[test]
    fn drop_while_entered_ends_the_calls() -> Result {
        let task = Arc::pin_init(
            pin_init!(Task {
                entries: Atomic::new(0),
                stop: Atomic::new(0),
                running <- Completion::new(),
                done <- Completion::new(),
            }),
            GFP_KERNEL,
        )?;
        let its = task.clone();

        workqueue::system_unbound().try_spawn(GFP_KERNEL, move || {
            while its.stop.load(Relaxed) == 0 {
                enter_one();
                its.entries.fetch_add(1, Relaxed);
                its.running.complete_all();
                // SAFETY: A work item may sleep.
                unsafe { bindings::schedule_timeout_idle(0) };
            }
            its.done.complete_all();
        })?;
        task.running.wait_for_completion();

        let mut result = Ok(());
        for _ in 0..20 {
            result = result.and_then(|()| {
                let seen = seen()?;
                let hook = hook(&seen, &[one()])?;
                let before = task.entries.load(Relaxed);
                while task.entries.load(Relaxed) < before + 2 {
                    // SAFETY: This may sleep.
                    unsafe { bindings::schedule_timeout_idle(1) };
                }
                drop(hook);

                let entered = task.entries.load(Relaxed);
                let seen_then = seen.entries.load(Relaxed);
                while task.entries.load(Relaxed) < entered + 2 {
                    // SAFETY: This may sleep.
                    unsafe { bindings::schedule_timeout_idle(1) };
                }
                assert!(seen_then > 0);
                assert_eq!(seen.entries.load(Relaxed), seen_then);
                Ok(())
            });
        }
        task.stop.store(1, Relaxed);
        task.done.wait_for_completion();
        result
    }
}
