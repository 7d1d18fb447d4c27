// SPDX-License-Identifier: GPL-2.0

//! Kernel errors.
//!
//! C header:
//! [`include/uapi/asm-generic/errno-base.h`](srctree/include/uapi/asm-generic/errno-base.h)

use core::{ffi::CStr, num::NonZeroI32};

use crate::{
    alloc::AllocError,
    bindings,
    ffi::c_int,
    print::{Line, Show},
};

/// A [`core::result::Result`] whose error is the kernel's.
pub type Result<T = (), E = Error> = core::result::Result<T, E>;

/// An error code of the kernel.
///
/// # Invariants
///
/// The value is from -4095 to -1 (`-MAX_ERRNO`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(NonZeroI32);

/// The error codes, by the names they have in C.
pub mod code {
    use core::num::NonZeroI32;

    use super::Error;

    macro_rules! declare_err {
        ($($name:ident = $errno:literal, $doc:literal;)*) => {
            $(
                #[doc = $doc]
                // INVARIANT: The literals below are small and positive.
                pub const $name: Error = Error(NonZeroI32::new(-$errno).unwrap());
            )*
        };
    }

    declare_err! {
        EIO = 5, "I/O error.";
        ENOMEM = 12, "Out of memory.";
        EBUSY = 16, "Device or resource busy.";
        ENODEV = 19, "No such device.";
        EINVAL = 22, "Invalid argument.";
    }
}

impl Error {
    /// Creates an [`Error`] from a kernel error code. One that is none becomes
    /// [`EINVAL`](code::EINVAL).
    pub const fn from_errno(errno: c_int) -> Error {
        match NonZeroI32::new(errno) {
            // INVARIANT: The value is in the range.
            Some(code) if -4095 <= errno && errno < 0 => Error(code),
            _ => code::EINVAL,
        }
    }

    /// Returns the kernel error code, a negative number.
    pub const fn to_errno(self) -> c_int {
        self.0.get()
    }
}

/// Converts what a C function returns, 0 or more or a kernel error code, to a [`Result`].
pub fn to_result(err: c_int) -> Result {
    if err < 0 {
        return Err(Error::from_errno(err));
    }
    Ok(())
}

impl Show for Error {
    fn show(&self, line: &mut Line) {
        // SAFETY: `errname()` accepts any number. It returns null or a string that stays.
        let name = unsafe { bindings::rust_helper_errname(-self.0.get()) };

        if name.is_null() {
            line.text("error ");
            return self.0.get().unsigned_abs().show(line);
        }
        // SAFETY: It is not null, and so one of the kernel's own strings.
        let name = unsafe { CStr::from_ptr(name.cast()) };
        line.bytes(name.to_bytes());
    }
}

impl From<AllocError> for Error {
    fn from(_: AllocError) -> Self {
        code::ENOMEM
    }
}
