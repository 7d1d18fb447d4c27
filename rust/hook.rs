// SPDX-License-Identifier: GPL-2.0

//! Where the kernel clears a bank of an AMD CPU, and the hook there.
//!
//! The function is found by the call that leads to it: `machine_check_poll()` is exported, and one
//! of its instructions calls `amd_clear_bank()`, or `clear_bank()` that does. So what is hooked is
//! what polling calls, whatever a compiler has made of the name, and other functions of that name
//! do not matter.
//!
//! C source: [`arch/x86/kernel/cpu/mce/`](srctree/arch/x86/kernel/cpu/mce/core.c)

use core::slice;

use kernel::prelude::*;

use crate::{
    bindings,
    ftrace::{self, Address, Flags, Registration},
    mca::Record,
    sweep, Guard,
};

/// `void amd_clear_bank(struct mce *m)`, which `machine_check_poll()` calls for each bank whose
/// error it has logged.
pub(crate) struct AmdClearBank;

// SAFETY: `machine_check_poll()` is the only caller. It runs in tasks, softirqs and hard
// interrupts, where RCU is watching, and not in the exception, which clears banks by itself. In an
// NMI it runs for mce-inject alone, whose broadcasts are for testing: what is called there neither
// takes a lock nor waits. `m` is a local of it, and so nobody else's. Behind it is a `Record`, of
// which safe code can change the status alone: the body tests bits of that, and the caller has
// logged the record before the call and reads the next bank's status into it after.
unsafe impl ftrace::Function for AmdClearBank {
    type Arg = Record;
}

/// A hook at the entry of [`AmdClearBank`], until it is dropped.
pub(crate) struct Hook(Option<Registration<AmdClearBank, Guard>>);

impl Hook {
    /// Hooks the function at `address`, and looks that it is so.
    ///
    /// It is permanent: without it the next deferred error panics the guest.
    ///
    /// # Errors
    ///
    /// As [`Registration::with_func`]; and [`EIO`] if the function's entry does not call ftrace
    /// although ftrace says that it does.
    pub(crate) fn new(guard: Guard, address: &Address<AmdClearBank>) -> Result<Self> {
        let func = bindings::rust_helper_amd_clear_bank_entered;

        // SAFETY: The C function calls `rust_amd_clear_bank_entered()` with these arguments and
        // does nothing else; it is built without fentry. The guard does not poll. `AmdMceGuard`
        // has the hook and the kernel has that, which it drops before the module goes; `drop` does
        // not return before the registration has ended.
        let registered = unsafe {
            Registration::with_func(guard, slice::from_ref(address), Flags::PERMANENT, func)
        };
        let hook = match registered {
            Ok(hook) => Self(Some(hook)),
            // What it has put there before it failed may be our call.
            Err(EIO) if is_hooked(address) => stay(EIO),
            Err(EIO) => return Err(ENODEV),
            Err(error) => return Err(error),
        };

        if is_hooked(address) {
            Ok(hook)
        } else {
            Err(EIO)
        }
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(Registration::unregister) {
            stay(error);
        }
    }
}

/// Keeps the module: its code goes when loading has failed or unloading has ended, and ftrace goes
/// on calling it. So the guard stays in effect, and whoever loads or unloads it stays here.
fn stay(error: Error) -> ! {
    const TICKS: c_long = 1000;

    pr_emerg!(
        "ftrace has failed ({error:?}) and cannot take the hook back; it stays in effect, and \
         unloading does not end: reboot this machine\n"
    );
    loop {
        // So that a reboot, at any time, finds the banks empty.
        sweep::poll_each_cpu();
        // SAFETY: Loading and unloading may sleep. An idle sleep is no hung task.
        unsafe { bindings::schedule_timeout_idle(TICKS) };
    }
}

/// What ftrace's function goes on to, with the record in place of all registers and the other
/// arguments where they are.
///
/// # Safety
///
/// Only `rust_helper_amd_clear_bank_entered()` may call this.
#[no_mangle]
unsafe extern "C" fn rust_amd_clear_bank_entered(
    ip: c_ulong,
    _parent_ip: c_ulong,
    ops: *mut bindings::ftrace_ops,
    record: *mut Record,
) {
    // SAFETY: By this function's contract these are what ftrace gave to the function of a `Hook`,
    // and the first argument of `amd_clear_bank()`.
    unsafe { Registration::<AmdClearBank, Guard>::dispatch(ip, ops, record) }
}

/// What there is at a function's entry, where its compiler has left room for ftrace.
#[derive(PartialEq, Eq)]
enum Entry {
    /// A call: of ftrace, since nobody else makes one there.
    Call,
    /// A breakpoint: a call is being made or changed.
    Breakpoint,
    /// Anything else.
    Other,
}

impl Entry {
    /// As much as says so.
    const BYTES: usize = 4 + 5;

    /// The room is at the very beginning; or behind `endbr64`, or the `nop` of as many bytes that
    /// the kernel makes of it where the function is called directly only.
    fn parse(code: [u8; Self::BYTES]) -> Self {
        let room = match code {
            [0xf3, 0x0f, 0x1e, 0xfa, ..] | [0x0f, 0x1f, ..] | [0x66, 0x0f, 0x1f, ..] => 4,
            _ => 0,
        };

        match code[room] {
            0xe8 => Self::Call,
            0xcc => Self::Breakpoint,
            _ => Self::Other,
        }
    }
}

/// Whether a call of the function at `address` goes to ftrace.
fn is_hooked(address: &Address<AmdClearBank>) -> bool {
    // Tracers come and go, and for a moment there is a breakpoint.
    const TICKS: usize = 1000;

    for _ in 0..TICKS {
        let mut code = [0; Entry::BYTES];
        for (at, byte) in (address.get()..).zip(&mut code) {
            // SAFETY: By the invariant of `Address` the function is there, which ftrace has found
            // to be longer. It may change while it is read.
            *byte = unsafe { (at as *const u8).read_volatile() };
        }
        match Entry::parse(code) {
            Entry::Call => return true,
            Entry::Other => return false,
            // SAFETY: Loading may sleep.
            Entry::Breakpoint => unsafe { bindings::schedule_timeout_idle(1) },
        };
    }
    false
}

/// What there is to hook.
pub(crate) enum Target {
    /// Polling calls the function at this address.
    Function(Address<AmdClearBank>),
    /// Polling clears the banks by itself and knows no MCA_DESTAT: this kernel cannot have the
    /// defect.
    Nothing,
    /// Neither of these is certain: polling may write MCA_DESTAT in a way that cannot be hooked.
    Unknown,
}

/// Looks for the function in the code of the running kernel.
///
/// # Errors
///
/// [`ENOMEM`].
pub(crate) fn find() -> Result<Target> {
    let Some(poll) = Code::of(bindings::machine_check_poll as usize)? else {
        return Ok(Target::Unknown);
    };
    // The compiler may have left clear_bank() a function of its own.
    let between = poll.callee(|symbol| symbol.is_part_of(b"clear_bank"));
    let between = match between {
        Some(address) => Code::of(address)?,
        None => None,
    };

    for code in [Some(&poll), between.as_ref()].into_iter().flatten() {
        if let Some(address) = code.callee(|symbol| symbol.is(b"amd_clear_bank")) {
            // SAFETY: The kernel's own code calls what is there by the name of `AmdClearBank`, as
            // it stands in the source or renamed as a whole.
            return Ok(Target::Function(unsafe { Address::new(address) }));
        }
    }
    if poll.clears_by_itself()? {
        Ok(Target::Nothing)
    } else {
        Ok(Target::Unknown)
    }
}

/// A copy of a function's code, and where that is.
struct Code {
    address: usize,
    bytes: KVec<u8>,
}

impl Code {
    /// More than any function here has: the size comes from the table of symbols.
    const MAX: usize = 1 << 16;

    /// Copies the function that starts at `address`, if the kernel knows one that does.
    fn of(address: usize) -> Result<Option<Self>> {
        let mut size = 0;
        with_symbol(address, &mut |symbol| {
            if symbol.offset == 0 {
                size = symbol.size;
            }
        });
        if !(1..=Self::MAX).contains(&size) {
            return Ok(None);
        }

        let mut bytes = KVec::new();
        for at in address..address + size {
            // SAFETY: By the table of symbols the kernel has code there, which can be read and
            // stays. It may change while it is read: tracers come and go at its entry.
            bytes.push(unsafe { (at as *const u8).read_volatile() }, GFP_KERNEL)?;
        }
        Ok(Some(Self { address, bytes }))
    }

    /// The address of a function of the kernel that the code calls, or jumps to in place of
    /// returning, and that is `wanted`.
    fn callee(&self, wanted: fn(&Symbol<'_>) -> bool) -> Option<usize> {
        calls(self.address, &self.bytes).find(|&address| {
            let mut found = false;
            with_symbol(address, &mut |symbol| {
                found = symbol.offset == 0 && wanted(&symbol)
            });
            found
        })
    }

    /// Whether this, the code of `machine_check_poll()`, writes MCA_STATUS itself, as it did before
    /// there was `amd_clear_bank()`, and neither it nor what it calls has to do with MCA_DESTAT.
    fn clears_by_itself(&self) -> Result<bool> {
        let writes = self.callee(|symbol| symbol.name.starts_with(b"mce_wrmsr"));
        let clears = |symbol: &Symbol<'_>| {
            symbol.is_part_of(b"clear_bank") || symbol.is_part_of(b"amd_clear_bank")
        };

        if writes.is_none() || self.callee(clears).is_some() || self.mentions_destat() {
            return Ok(false);
        }
        for address in calls(self.address, &self.bytes) {
            if Self::of(address)?.is_some_and(|callee| callee.mentions_destat()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the number of the first MCA_DESTAT is in the code, or its negative, which some
    /// compilers subtract.
    fn mentions_destat(&self) -> bool {
        let number: u32 = bindings::MSR_AMD64_SMCA_MC0_DESTAT;

        self.bytes.windows(4).any(|window| {
            window == number.to_le_bytes() || window == number.wrapping_neg().to_le_bytes()
        })
    }
}

/// Where the direct calls and jumps (`call rel32`, `jmp rel32`) in `code`, which is at `address`,
/// lead out of it to, also where a kprobe has put `int3` in place of the first byte. Instructions
/// are not decoded: what is none leads to a random address, hardly ever to the first byte of the
/// function that is looked for.
fn calls(address: usize, code: &[u8]) -> impl Iterator<Item = usize> + '_ {
    code.windows(5).enumerate().filter_map(move |(at, window)| {
        let &[0xe8 | 0xe9 | 0xcc, a, b, c, d] = window else {
            return None;
        };
        let distance = i32::from_le_bytes([a, b, c, d]) as isize;
        let target = address.wrapping_add(at + 5).wrapping_add_signed(distance);

        (!(address..address + code.len()).contains(&target)).then_some(target)
    })
}

/// What the kernel's table of symbols says about an address: the symbol at or before it.
#[derive(PartialEq, Eq)]
struct Symbol<'a> {
    name: &'a [u8],
    offset: usize,
    size: usize,
}

impl<'a> Symbol<'a> {
    /// Parses what `sprint_symbol()` writes, `name+0xoffset/0xsize`. Of a module's symbol the
    /// module's name follows, and of no symbol there is only the address.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let (name, numbers) = split(text, b'+')?;
        let (offset, size) = split(numbers, b'/')?;

        Some(Self {
            name,
            offset: number(offset)?,
            size: number(size)?,
        })
    }

    /// Whether it is the function called `name`, which a linker may have renamed
    /// (`name.llvm.4711`).
    fn is(&self, name: &[u8]) -> bool {
        self.name
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b".llvm."))
    }

    /// Whether it is that function, or what a compiler has made of it: one with other parameters
    /// (`name.isra.0`) or a part of it (`name.part.0`).
    fn is_part_of(&self, name: &[u8]) -> bool {
        self.name
            .strip_prefix(name)
            .is_some_and(|rest| matches!(rest, [] | [b'.', ..]))
    }
}

/// What is in front of the first `separator`, and what is behind it.
fn split(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let mut parts = text.splitn(2, |&c| c == separator);

    Some((parts.next()?, parts.next()?))
}

/// The number that is written `0x` and hexadecimal digits.
fn number(text: &[u8]) -> Option<usize> {
    let digits = text.strip_prefix(b"0x")?;
    if digits.is_empty() || digits.len() > 2 * size_of::<usize>() {
        return None;
    }

    digits.iter().try_fold(0, |number, &digit| {
        let digit = (digit as char).to_digit(16)?;
        Some((number << 4) | digit as usize)
    })
}

/// Calls `look` with the symbol of the kernel that `address` belongs to, if there is one.
fn with_symbol(address: usize, look: &mut dyn FnMut(Symbol<'_>)) {
    let mut buffer = [0; bindings::KSYM_SYMBOL_LEN as usize];

    // SAFETY: The buffer is as large as `sprint_symbol()` demands. Any address may be asked for.
    let len = unsafe { bindings::sprint_symbol(buffer.as_mut_ptr(), address) };
    let text = usize::try_from(len).ok().and_then(|len| buffer.get(..len));

    if let Some(symbol) = text.and_then(Symbol::parse) {
        look(symbol);
    }
}

#[kunit_tests(amd_mce_guard_hook)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_jumps_out_of_the_code_are_found() {
        // nop; call +0x100; jmp -0x100; jmp to its own beginning; ret
        let code = [
            0x90, 0xe8, 0, 1, 0, 0, 0xe9, 0, 0xff, 0xff, 0xff, 0xe9, 0xf0, 0xff, 0xff, 0xff, 0xc3,
        ];
        let mut found = calls(0x1000, &code);

        assert_eq!(found.next(), Some(0x1000 + 6 + 0x100));
        assert_eq!(found.next(), Some(0x1000 + 11 - 0x100));
        assert_eq!(found.next(), None);
    }

    #[test]
    fn an_entry_that_calls_ftrace_is_told_from_others() {
        // call; endbr64, call; the kernel's nops in its place, call
        assert!(Entry::parse([0xe8, 1, 2, 3, 4, 0x55, 0, 0, 0]) == Entry::Call);
        assert!(Entry::parse([0xf3, 0x0f, 0x1e, 0xfa, 0xe8, 1, 2, 3, 4]) == Entry::Call);
        assert!(Entry::parse([0x0f, 0x1f, 0x40, 0xd6, 0xe8, 1, 2, 3, 4]) == Entry::Call);
        assert!(Entry::parse([0x66, 0x0f, 0x1f, 0, 0xe8, 1, 2, 3, 4]) == Entry::Call);
        // int3 in place of the call
        assert!(Entry::parse([0xcc, 1, 2, 3, 4, 0x55, 0, 0, 0]) == Entry::Breakpoint);
        assert!(Entry::parse([0xf3, 0x0f, 0x1e, 0xfa, 0xcc, 1, 2, 3, 4]) == Entry::Breakpoint);
        // what the compiler has left, nop or endbr64 and nop; jmp, which is none of ftrace's
        assert!(Entry::parse([0x0f, 0x1f, 0x44, 0, 0, 0x55, 0, 0, 0]) == Entry::Other);
        assert!(Entry::parse([0xf3, 0x0f, 0x1e, 0xfa, 0x0f, 0x1f, 0x44, 0, 0]) == Entry::Other);
        assert!(Entry::parse([0xe9, 1, 2, 3, 0xe8, 1, 2, 3, 4]) == Entry::Other);
    }

    #[test]
    fn a_call_that_is_cut_off_is_none() {
        assert_eq!(calls(0x1000, &[0xe8, 0, 1, 0]).next(), None);
        assert_eq!(calls(0x1000, &[]).next(), None);
    }

    #[test]
    fn symbols_are_parsed() {
        let expected = Symbol {
            name: b"amd_clear_bank.llvm.4711",
            offset: 0x10,
            size: 0x7b,
        };

        assert!(Symbol::parse(b"amd_clear_bank.llvm.4711+0x10/0x7b") == Some(expected));
    }

    #[test]
    fn symbols_of_modules_and_bare_addresses_are_not() {
        assert!(Symbol::parse(b"amd_clear_bank+0x0/0x7b [namesake]").is_none());
        assert!(Symbol::parse(b"0xffffffff81234567").is_none());
        assert!(Symbol::parse(b"amd_clear_bank+0x/0x").is_none());
        assert!(Symbol::parse(b"").is_none());
    }

    fn named(name: &[u8]) -> Symbol<'_> {
        Symbol {
            name,
            offset: 0,
            size: 1,
        }
    }

    #[test]
    fn a_function_that_a_linker_has_renamed_is_found() {
        assert!(named(b"amd_clear_bank").is(b"amd_clear_bank"));
        assert!(named(b"amd_clear_bank.llvm.4711").is(b"amd_clear_bank"));
        assert!(!named(b"amd_clear_banks").is(b"amd_clear_bank"));
        assert!(!named(b"clear_bank").is(b"amd_clear_bank"));
    }

    #[test]
    fn a_function_with_other_parameters_is_not_hooked() {
        assert!(!named(b"amd_clear_bank.isra.0").is(b"amd_clear_bank"));
        assert!(named(b"amd_clear_bank.isra.0").is_part_of(b"amd_clear_bank"));
        assert!(!named(b"amd_clear_banks").is_part_of(b"amd_clear_bank"));
    }

    #[test]
    fn a_call_under_a_kprobe_is_found() {
        assert_eq!(calls(0x1000, &[0xcc, 0, 1, 0, 0]).next(), Some(0x1105));
    }

    #[test]
    fn mca_destat_is_seen_as_it_is_and_subtracted() {
        let code = |bytes: &[u8]| {
            let mut copy = KVec::new();
            for &byte in bytes {
                copy.push(byte, GFP_KERNEL)?;
            }
            Ok::<_, Error>(Code {
                address: 0x1000,
                bytes: copy,
            })
        };

        // or $0xc0002008,%edi; sub $0x3fffdff8,%edi; or $0xc0002001,%edi
        assert!(code(&[0x81, 0xcf, 8, 0x20, 0, 0xc0]).is_ok_and(|c| c.mentions_destat()));
        assert!(code(&[0x81, 0xef, 0xf8, 0xdf, 0xff, 0x3f]).is_ok_and(|c| c.mentions_destat()));
        assert!(code(&[0x81, 0xcf, 1, 0x20, 0, 0xc0]).is_ok_and(|c| !c.mentions_destat()));
    }

    #[test]
    fn polling_is_found_in_the_running_kernel() {
        let poll = Code::of(bindings::machine_check_poll as usize);

        assert!(poll.is_ok_and(|code| code.is_some_and(|code| code.bytes.len() > 64)));
    }
}
