// SPDX-License-Identifier: GPL-2.0

//! rustc looks for a crate of this name beside `core`. The functions that it usually has, such as
//! `memcpy()`, are the kernel's own.

#![allow(internal_features)]
#![feature(compiler_builtins)]
#![compiler_builtins]
#![no_builtins]
#![no_std]
