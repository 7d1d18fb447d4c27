# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Rust's core, which a module on the stand-in is built on: nothing of the project is in it, and it
# takes rustc three quarters of a build.

# take_core FROM TO: into a directory to build the module in, from one where it has been built for
# the same kernel by the same rustc, if it was built on the stand-in there. make looks whether it
# fits, and builds it anew if not.
take_core()
{
	local file

	[ -e "$1/rust/standin/libcore.rlib" ] && [ ! -e "$2/rust/standin/libcore.rlib" ] || return 0
	mkdir -p "$2/rust/standin" || return
	for file in target.json libcore.rlib; do
		cp -p "$1/rust/standin/"{"$file",".$file.cmd"} "$2/rust/standin/" || return
	done
}
