// SPDX-License-Identifier: GPL-2.0

//! Printing, and what becomes of a panic.
//!
//! C header: [`include/linux/printk.h`](srctree/include/linux/printk.h)
//!
//! The kernel's crate has printk() call back into Rust to format (`%pA`), which kernels without
//! Rust do not know. `core::fmt` is not used either: its one indirect call is compiled without the
//! check of kCFI, which objtool reports and FineIBT does not allow.

use core::{ffi::CStr, panic::PanicInfo};

use crate::{bindings, ffi::c_char};

/// A line that is being made. What does not fit is cut off.
#[doc(hidden)]
pub struct Line {
    text: [u8; Self::MAX],
    len: usize,
}

impl Line {
    /// Lines are short, and so is the stack of whoever is interrupted.
    const MAX: usize = 256;

    /// An empty line.
    #[inline]
    pub const fn new() -> Self {
        Self {
            text: [0; Self::MAX],
            len: 0,
        }
    }

    /// Appends `more`.
    pub fn text(&mut self, more: &str) {
        self.bytes(more.as_bytes())
    }

    /// Appends the bytes of a text.
    #[inline(never)]
    pub(crate) fn bytes(&mut self, more: &[u8]) {
        for (to, &from) in self.text.iter_mut().skip(self.len).zip(more) {
            *to = from;
            self.len += 1;
        }
    }

    /// Appends `value` with `digits` digits, or as many as it has, to the base of 10 or 16.
    #[inline(never)]
    fn number(&mut self, mut value: u64, base: u64, digits: usize) {
        let mut text = [b'0'; 20];
        let mut first = text.len();

        for (at, digit) in text.iter_mut().enumerate().rev() {
            if value == 0 && first <= 20 - digits {
                break;
            }
            *digit = b"0123456789abcdef"[(value % base) as usize];
            value /= base;
            first = at;
        }
        self.bytes(text.get(first..).unwrap_or(&[]));
    }

    /// Appends `value` as `{:#018x}` does.
    pub fn hex(&mut self, value: u64) {
        self.text("0x");
        self.number(value, 16, 16);
    }

    /// Prints the line at `level`, the digit of a `KERN_*` constant, with the name of the module in
    /// front.
    pub fn print(&self, level: c_char, module: &'static CStr) {
        // SAFETY: `module` ends in a NUL, and `text` has `len` bytes. Neither is kept.
        unsafe {
            bindings::rust_helper_printk(
                level,
                module.as_ptr().cast(),
                self.text.as_ptr(),
                self.len,
            )
        }
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

/// What `{}` and `{:?}` can show.
#[doc(hidden)]
pub trait Show {
    /// Appends it to `line`.
    fn show(&self, line: &mut Line);
}

impl Show for str {
    fn show(&self, line: &mut Line) {
        line.text(self)
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self, line: &mut Line) {
        (**self).show(line)
    }
}

macro_rules! show_numbers {
    ($($type:ty),*) => {
        $(impl Show for $type {
            fn show(&self, line: &mut Line) {
                line.number(*self as u64, 10, 1)
            }
        })*
    };
}
show_numbers!(u8, u32, usize);

/// What `pr_info!()` and its like have in common. The name in front is `module!`'s, in the caller's
/// crate.
#[doc(hidden)]
#[macro_export]
#[allow(clippy::crate_in_macro_def)]
macro_rules! print_macro {
    ($level:literal, $($arg:tt)*) => {{
        let mut line = $crate::print::Line::new();
        $crate::print::format_line!(line, $($arg)*);
        line.print($level, crate::__LOG_PREFIX);
    }};
}

#[doc(hidden)]
pub use macros::format_line;

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

/// A panic is a bug: the message, and then what BUG() does, which is a backtrace and the end of the
/// task. Of a message with values in it the place is told alone.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let (file, number) = info.location().map_or(("?", 0), |l| (l.file(), l.line()));
    let message = info.message().as_str().unwrap_or("see the backtrace");

    let mut line = Line::new();
    line.text("panicked at ");
    line.text(file);
    line.text(":");
    number.show(&mut line);
    line.text(": ");
    line.text(message);
    line.text("\n");
    line.print(b'0', c"rust_kernel");
    // SAFETY: It may be called anywhere.
    unsafe { bindings::rust_helper_BUG() }
}
