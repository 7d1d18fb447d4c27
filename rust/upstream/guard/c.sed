# SPDX-License-Identifier: GPL-2.0
#
# Makes helpers.c, helpers.h and bindings.h there of those in rust/: the version is the kernel's, the
# tests of ftrace are in the kernel crate, and its bindings have the values of more macros.
/no key for the version/d
/^MODULE_VERSION/d
s/, see Kbuild:$/:/
/rust_helper_sprint_symbol_entered/,+1d
/rust_sprint_symbol_entered/d
s/, and in the tests of ftrace.rs//
/_HELPER_\(FTRACE\|EOPNOTSUPP\|X86\|MSR\)/d
s|"../helpers/helpers.h"|"helpers.h"|
