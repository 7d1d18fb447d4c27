// SPDX-License-Identifier: GPL-2.0

//! The module's KUnit suites where the kernel has no KUnit for them: a module that is built with
//! SELFTEST=1 runs them when it is loaded, before anything else, and prints KTAP to the kernel log.
//! See `../helpers.c` for who calls them.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::{
    error::code::EINVAL,
    print::{format_line, Line},
    Result,
};

macro_rules! say {
    ($level:literal, $($arg:tt)*) => {{
        let mut line = Line::new();
        format_line!(line, $($arg)*);
        line.print($level, c"selftest");
    }};
}

/// Whether an assertion of the test that runs has failed. Loading runs them one after the other.
static FAILED: AtomicBool = AtomicBool::new(false);

/// Runs the tests of `suite`.
///
/// # Errors
///
/// [`EINVAL`], if one of them fails.
#[doc(hidden)]
pub fn run_suite(suite: &str, tests: &[(&str, fn())]) -> Result {
    let mut failed = 0;

    say!(b'6', "# {suite}: {} tests\n", tests.len());
    for (number, (name, test)) in tests.iter().enumerate() {
        FAILED.store(false, Relaxed);
        test();
        let verdict = if FAILED.load(Relaxed) {
            failed += 1;
            "not ok"
        } else {
            "ok"
        };
        say!(b'6', "{verdict} {} {suite}.{name}\n", number + 1);
    }
    if failed > 0 {
        return Err(EINVAL);
    }
    Ok(())
}

/// Notes that an assertion has failed.
#[doc(hidden)]
#[cold]
pub fn fail(file: &str, line: u32, condition: &str) {
    FAILED.store(true, Relaxed);
    say!(b'3', "# assertion failed at {file}:{line}: {condition}\n");
}

/// What `assert!()` is in a test: unlike a panic, a failure ends the test and nothing else.
#[doc(hidden)]
#[macro_export]
macro_rules! kunit_assert {
    ($condition:expr) => {
        if !$condition {
            $crate::kunit::fail(file!(), line!(), stringify!($condition));
            return;
        }
    };
}

/// What `assert_eq!()` is in a test.
#[doc(hidden)]
#[macro_export]
macro_rules! kunit_assert_eq {
    ($left:expr, $right:expr) => {
        $crate::kunit_assert!($left == $right)
    };
}
