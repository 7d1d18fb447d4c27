#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Building: on the kernels the README names, into a module that is complete, and with the targets
# people know from other modules.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/core.sh"

readonly WORK="$BUILD/check/build"
readonly TREE=/repo/build/check/build/tree

# copy_project DIR [FROM]: to build it in, for a kernel that it has been built for in FROM
copy_project()
{
	rm -rf "$1"
	mkdir "$1"
	cp -r "$TOP"/{Makefile,Kbuild,dkms.conf,rust} "$1"
	[ $# -eq 1 ] || take_core "$2" "$1"
}

# builds KDIR NAME [VARIABLE=VALUE...]: from nothing but core, since make is silent about what it
# does not build again, and in a copy of the project, which kernels before 6.13 need
builds()
{
	copy_project "$WORK/$2" "$BUILD/kernels/$2/module"
	without_warnings in_sysroot make -C "/repo/build/check/build/$2" KDIR="$1" "${@:3}"
}

# builds_for NAME: for that kernel of the lab
builds_for()
{
	(use_kernel "$1" && builds "$KERNEL_OBJ" "$1")
}

# The functions that a callback runs through, up to what prints the first error, without addresses.
callback_code()
{
	in_sysroot objdump -dr --no-show-raw-insn --no-addresses \
		"/repo/build/check/build/$1/rust/amd_mce_guard.ko" |
		awk '/^<.*>:$/ { wanted = /amd_clear_bank_entered/ } wanted' |
		sed -E 's/[[:space:]]+#.*//; s/<[^>]*>//; s/\b[0-9a-f]{2,}\b/N/g; s/0x[0-9a-f]+/N/g
			s/(R_X86_64_[A-Z0-9]+)[[:space:]].*/\1/; /^$/d'
}

same_callback()
{
	diff <(callback_code test) <(callback_code standin) &&
		[ "$(callback_code test | wc -l)" -gt 20 ]
}

# relocations FILE SECTION SYMBOL: how many of SYMBOL, or of any, SECTION has
relocations()
{
	in_sysroot readelf -rW "$1" | awk -v section="'.rela$2'" -v symbol="$3" '
		/^Relocation section/ { inside = index($0, section) }
		inside && /R_X86_64/ && index($0, symbol) { count++ }
		END { print count + 0 }'
}

# What objtool lists is what the kernel patches when it boots, or loads the module: each jump to the
# return thunk, and each indirect call or jump; there is no other.
sites_listed()
{
	local ko=/repo/build/check/build/$1/rust/amd_mce_guard.ko text=0 thunks=0 section

	for section in .text .init.text .exit.text .text.unlikely. .text.unlikely; do
		text=$((text + $(relocations "$ko" $section __x86_return_thunk)))
		thunks=$((thunks + $(relocations "$ko" $section __x86_indirect_thunk)))
	done
	echo "$text returns, $thunks indirect calls and jumps"
	[ $text -gt 0 ] && [ $thunks -gt 0 ] || return
	[ "$(relocations "$ko" .return_sites '')" -eq $text ] &&
		[ "$(relocations "$ko" .retpoline_sites '')" -eq $thunks ] || return
	in_sysroot objdump -d --no-show-raw-insn "$ko" > "$WORK/code" &&
		! grep -E '[[:space:]](ret|(call|jmp)[[:space:]]+\*)' "$WORK/code"
}

# small NAME: `size` says less than 16 KB of text
small()
{
	local text

	text=$(in_sysroot size "/repo/build/check/build/$1/rust/amd_mce_guard.ko" |
		awk 'NR == 2 { print $1 }')
	echo "$text bytes of text"
	[ "$text" -gt 0 ] && [ "$text" -lt 16384 ]
}

# An ordinary user, to whom the headers are read-only.
builds_as_user()
{
	copy_project "$WORK/user" "$BUILD/kernels/stock/module"
	in_sysroot sh -c "chown -R 1234:1234 $1 &&
		setpriv --reuid 1234 --regid 1234 --clear-groups \
			sh -c '! [ -w $2/Module.symvers ] && make -C $1 KDIR=$2'" &&
		ls "$WORK/user/rust/amd_mce_guard.ko"
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

# A copy of the project to build in, as people do who have no use for MO=.
in_tree()
{
	in_sysroot make -C $TREE KDIR="$KERNEL_OBJ" "$@"
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

# Whichever crate it was built on, and is chosen now.
cleans()
{
	take_core "$WORK/standin" "$WORK/tree" && in_tree KERNEL_CRATE=standin && in_tree clean ||
		return
	(cd "$WORK/tree" && find . -type f | sort) | diff "$WORK/files" -
}

mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 20
test_that "linux $(kernel_release), on its own crates: builds without warnings" builds \
	"$KERNEL_OBJ" test
test_that "linux $(kernel_release), on the stand-in: builds without warnings" \
	builds "$KERNEL_OBJ" standin \
	KERNEL_CRATE=standin
test_that "the callback is the same code on either crate" same_callback
test_that "a kernel by clang with ThinLTO and kCFI: builds without warnings" builds_for clang
for kernel in vendor-6.12 vendor-6.18; do
	test_that "linux ${kernel#vendor-} without Rust: builds without warnings" \
		builds_for "$kernel"
done
for kernel in stock $DEBIAN_BEFORE; do
	what="Debian's linux $(use_kernel "$kernel"; echo "$KERNEL_ID"), from its headers"
	test_with "$kernel" "$what: builds without warnings" builds_for "$kernel"
	test_with "$kernel" "$what: has less than 16 KB of text" small "$kernel"
	test_with "$kernel" "$what: objtool lists each return and each indirect call" \
		sites_listed "$kernel"
done
test_with stock "an ordinary user builds from headers that are read-only" builds_as_user \
	/repo/build/check/build/user "$STOCK_OBJ"
test_that "modinfo is complete" modinfo_complete
test_that "the module has no alias for udev to load it by" no_alias
test_that "nothing in the module can be traced" no_fentry
copy_project "$WORK/tree"
(cd "$WORK/tree" && find . -type f | sort) > "$WORK/files"
test_that "make builds in the tree" in_tree
test_that "make modules_install installs" installs
test_that "make rust-analyzer writes rust-project.json" writes_rust_project
test_that "make clean leaves nothing" cleans
