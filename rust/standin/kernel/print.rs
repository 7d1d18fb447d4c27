// SPDX-License-Identifier: GPL-2.0

//! Printing, and what becomes of a panic.
//!
//! C header: [`include/linux/printk.h`](srctree/include/linux/printk.h)
//!
//! The kernel's crate has printk() call back into Rust to format (`%pA`). Kernels without Rust know
//! no such format, so here the line is formatted first.

use core::{
    fmt::{self, Write},
    panic::PanicInfo,
};

use crate::{bindings, ffi::c_char};

/// A line that is being formatted. What does not fit is cut off.
struct Line {
    text: [u8; Self::MAX],
    len: usize,
}

impl Line {
    /// Lines are short, and so is the stack of whoever is interrupted.
    const MAX: usize = 256;
}

impl Write for Line {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for (to, from) in self.text.iter_mut().skip(self.len).zip(more.bytes()) {
            *to = from;
            self.len += 1;
        }
        Ok(())
    }
}

/// Prints a line at `level`, the digit of a `KERN_*` constant, with the name of the module in
/// front.
#[doc(hidden)]
#[cold]
pub fn call_printk(level: c_char, module: &'static core::ffi::CStr, args: fmt::Arguments<'_>) {
    let mut line = Line {
        text: [0; Line::MAX],
        len: 0,
    };

    // `write_str()` does not fail, and a value that cannot be shown costs its own text only.
    let _ = line.write_fmt(args);
    // SAFETY: `module` ends in a NUL, and `text` has `len` bytes. Neither is kept.
    unsafe {
        bindings::rust_helper_printk(level, module.as_ptr().cast(), line.text.as_ptr(), line.len)
    }
}

/// What `pr_info!()` and its like have in common. The name in front is `module!`'s, in the caller's
/// crate.
#[doc(hidden)]
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! print_macro {
    ($level:literal, $($arg:tt)*) => {
        $crate::print::call_printk($level, crate::__LOG_PREFIX, ::core::format_args!($($arg)*))
    };
}

/// Prints an emergency-level message.
#[macro_export]
macro_rules! pr_emerg {
    ($($arg:tt)*) => { $crate::print_macro!(b'0', $($arg)*) };
}

/// Prints an error-level message.
#[macro_export]
macro_rules! pr_err {
    ($($arg:tt)*) => { $crate::print_macro!(b'3', $($arg)*) };
}

/// Prints a warning-level message.
#[macro_export]
macro_rules! pr_warn {
    ($($arg:tt)*) => { $crate::print_macro!(b'4', $($arg)*) };
}

/// Prints an info-level message.
#[macro_export]
macro_rules! pr_info {
    ($($arg:tt)*) => { $crate::print_macro!(b'6', $($arg)*) };
}

/// A text as it is. `core`'s own `Display` of a `str` can pad it, which takes 1.5 KB of code.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A panic is a bug: the message, and then what BUG() does, which is a backtrace and the end of the
/// task.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let (file, line) = info.location().map_or(("?", 0), |l| (l.file(), l.line()));

    call_printk(
        b'0',
        c"rust_kernel",
        format_args!("panicked at {}:{line}: {}\n", Plain(file), info.message()),
    );
    // SAFETY: It may be called anywhere.
    unsafe { bindings::rust_helper_BUG() }
}
