# SPDX-License-Identifier: GPL-2.0
#
# Makes rust/kernel/ftrace.rs of rust/ftrace.rs: paths begin at this very crate; all items are
# public, and all are used; the tests are others.
/^#!\[allow($/,/^)]$/d
/expect(dead_code/d
/^use crate::bindings;$/,+1d
s/^use kernel::{container_of,.*/use crate::{\
    bindings,\
    container_of,\
    error::to_result,\
    prelude::*,\
    types::Opaque, \/\/\
};/
/^#\[kunit_tests/,$d
