#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Building: on the kernels the README names, into a module that is complete, and with the targets
# people know from other modules.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"

readonly WORK="$BUILD/check/build"
readonly TREE=/repo/build/check/build/tree

# A build from nothing, since make is silent about what it does not build again.
builds()
{
	rm -rf "${WORK:?}/$2"
	without_warnings in_sysroot make -C /repo KDIR="$1" MO="/repo/build/check/build/$2"
}

modinfo_complete()
{
	local field value

	for field in author description license version; do
		value=$(in_sysroot modinfo -F $field "$KERNEL_OUT/module/rust/amd_mce_guard.ko")
		echo "$field: $value"
		[ -n "$value" ] || return 1
	done
}

# Loading is the administrator's decision, not udev's.
no_alias()
{
	local alias

	alias=$(in_sysroot modinfo -F alias "$KERNEL_OUT/module/rust/amd_mce_guard.ko") || return
	[ -z "$alias" ]
}

# Nothing in the module can be traced: it has no calls of __fentry__ at all.
no_fentry()
{
	local imports

	imports=$(in_sysroot nm -u "$KERNEL_OUT/module/rust/amd_mce_guard.ko") || return
	grep -w register_ftrace_function <<< "$imports" &&
		! grep -E '__fentry__|mcount' <<< "$imports"
}

# kbuild can be called without the Makefile, and so without its preflight.
refuses_lto()
{
	local output

	output=$(in_sysroot make -C "$KERNEL_OBJ" M=/repo MO=/repo/build/check/build/lto \
		KRUSTFLAGS='--cfg CONFIG_LTO_CLANG' 2>&1) && return 1
	printf '%s\n' "$output"
	grep -q 'error: .*may be inlined' <<< "$output"
}

# A copy of the project to build in, as people do who have no use for MO=.
in_tree()
{
	in_sysroot make -C $TREE KDIR="$KERNEL_OBJ" "$@"
}

copy_project()
{
	rm -rf "$WORK/tree"
	mkdir -p "$WORK/tree"
	cp -r "$TOP/Makefile" "$TOP/Kbuild" "$TOP/rust" "$WORK/tree"
	(cd "$WORK/tree" && find . -type f | sort) > "$WORK/files"
}

installs()
{
	in_tree modules_install INSTALL_MOD_PATH=/repo/build/check/build/root &&
		ls "$WORK"/root/lib/modules/*/updates/rust/amd_mce_guard.ko
}

writes_rust_project()
{
	in_tree rust-analyzer &&
		in_sysroot python3 -m json.tool $TREE/rust-project.json > "$WORK/project" &&
		grep -q '"display_name": "guard"' "$WORK/project" &&
		grep "BINDINGS\": \"$TREE/rust/bindings/bindings_generated.rs\"" "$WORK/project" &&
		rm "$WORK/tree/rust-project.json"
}

cleans()
{
	in_tree clean && (cd "$WORK/tree" && find . -type f | sort) | diff "$WORK/files" -
}

mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 10
test_that "builds without warnings on linux $(kernel_release)" builds "$KERNEL_OBJ" test
test_with stock "builds without warnings for Debian's linux $STOCK_SERIES" builds "$STOCK_OBJ" stock
test_that "modinfo is complete" modinfo_complete
test_that "there is no alias for udev to load it by" no_alias
test_that "nothing in the module can be traced" no_fentry
test_that "a kernel with CONFIG_LTO_CLANG is refused without the preflight, too" refuses_lto
copy_project
test_that "make builds in the tree" in_tree
test_that "make modules_install installs" installs
test_that "make rust-analyzer writes rust-project.json" writes_rust_project
test_that "make clean leaves nothing" cleans
