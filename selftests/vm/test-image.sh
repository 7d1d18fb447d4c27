#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A kernel of which there is nothing but its image and its source, Debian's vulnerable one: nothing
# is built on what does not fit it, and a self-contained module is complete.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"

readonly WORK="$BUILD/check/image"
readonly IN_WORK=/repo/build/check/image
readonly NEWEST=${DEBIAN_VULNERABLE##* }

# kernel NAME: sets TREE and IMAGE, its tree and image
kernel()
{
	use_kernel "$1"
	TREE=$KERNEL_OBJ IMAGE=$STOCK_DIR/bzImage
}

# exports KERNEL: what its image exports, in WORK/symvers
exports()
{
	kernel "$1"
	in_sysroot sh -c "rust/doctor/unpack-image.sh $IMAGE > $IN_WORK/vmlinux &&
		rust/image-exports.sh $IN_WORK/vmlinux > $IN_WORK/symvers"
}

# Debian built that one with another rustc than there is now.
other_hashes()
{
	exports "$NEWEST" && refuses 'Rust symbols are not exported by the kernel' \
		in_sysroot rust/check-hashes.sh "$TREE" "$IN_WORK/symvers"
}

# What is exported is what the image says, by the names of a kernel whose list there is.
lists_exports()
{
	exports stock || return
	cut -f 2-5 "$WORK/symvers" | sort > "$WORK/listed"
	awk -F '\t' -v OFS='\t' '$3 == "vmlinux" { print $2, $3, $4, $5 }' \
		"$(kernel_obj_dir)/Module.symvers" | sort > "$WORK/wanted"
	[ -s "$WORK/wanted" ] && diff "$WORK/wanted" "$WORK/listed"
}

other_layout()
{
	exports "$NEWEST" || return
	kernel stock
	refuses 'of the kernel (<) is not what the configuration makes (>)' \
		in_sysroot rust/build/check-layout.sh "$TREE" "$IN_WORK/vmlinux" CC=gcc-14
}

c_imports_only()
{
	local imports

	use_kernel "$NEWEST"
	imports=$(in_sysroot nm -u "$KERNEL_OUT/module/rust/amd_mce_guard.ko") || return
	echo "$imports"
	grep -qw register_ftrace_function <<< "$imports" && ! grep -E ' (_R|rust_)' <<< "$imports"
}

# sites SECTION: how many places in the module KO that section has
sites()
{
	in_sysroot readelf -rW "$KO" |
		sed -n "/section '.rela.$1'/,/^\$/p" | grep -c R_X86
}

# calls SYMBOL: how many places in code call or jump to it
calls()
{
	in_sysroot readelf -rW "$KO" | sed -nE \
		"/section '\.rela\.(text|init\.text|exit\.text)/,/^\$/p" | grep -cE " $1 "
}

# Every return, every indirect call, and what to unwind in between; also what no function of the
# module needs today, entries for the function tracer and calls that are patched.
complete()
{
	local returns indirect

	use_kernel "$NEWEST"
	KO=${1:-$KERNEL_OUT/module/rust/amd_mce_guard.ko}
	returns=$(calls __x86_return_thunk)
	indirect=$(calls '__x86_indirect_thunk_[a-z0-9]*')
	echo "$returns returns, $(sites return_sites) sites; $indirect indirect calls," \
		"$(sites retpoline_sites) sites; ORC for $(sites orc_unwind_ip) places"
	[ "$returns" -gt 20 ] && [ "$indirect" -gt 0 ] &&
		[ "$(sites return_sites)" = "$returns" ] &&
		[ "$(sites retpoline_sites)" = "$indirect" ] &&
		[ "$(sites orc_unwind_ip)" -gt "$returns" ] &&
		[ "$(sites __mcount_loc)" = "$(calls __fentry__)" ] &&
		[ "$(sites static_call_sites)" = $((2 * $(calls '__SCT__[^ ]*'))) ]
}

# Without IBT the kernel's build has objtool look at each object, and not at the whole module.
object_by_object()
{
	use_kernel "$NEWEST"
	in_sysroot make -C /repo KDIR="$KERNEL_OBJ" "${KERNEL_GUARD[@]}" MO="$IN_WORK/module" \
		CONFIG_X86_KERNEL_IBT= CONFIG_KLP_BUILD= &&
		in_sysroot readelf -SW "$IN_WORK/module/rust/reached/rust.o" |
		grep -F .orc_unwind && complete "$IN_WORK/module/rust/amd_mce_guard.ko"
}

# A function that is reached, and a section that speaks of it, as __bug_table does of a BUG().
lost_note()
{
	printf '.section .text.f,"ax"\n.globl f\nf: ud2\n%s\n' \
		'.section __bug_table,"aw"; .quad f' > "$WORK/noted.s"
	printf '.section .text.f,"ax"\n.globl f\nf: ud2\n' > "$WORK/plain.s"
	printf '.text\ncall f\n' > "$WORK/caller.s"
	in_sysroot sh -e -c "cd $IN_WORK; for name in noted plain caller; do
		as -o \$name.o \$name.s; done
		/repo/rust/link-reached.sh out.o ld objcopy nm caller.o -- plain.o" &&
		refuses 'f is needed and would lose its __bug_table' in_sysroot sh -c "cd $IN_WORK
			/repo/rust/link-reached.sh out.o ld objcopy nm caller.o -- noted.o"
}

mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 7
test_with stock "what an image exports is what its kernel's Module.symvers says" lists_exports
test_with "$NEWEST" "Rust symbols of another rustc are refused" other_hashes
test_with "$NEWEST" "structures of another kernel are refused" other_layout
test_with "$NEWEST" "a self-contained module imports C only" c_imports_only
test_with "$NEWEST" "it has all that objtool makes" complete
test_with "$NEWEST" "so it has where objtool looks at each object" object_by_object
test_that "a link that would lose what is said of a function is refused" lost_note
