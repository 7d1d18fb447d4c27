#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# preflight.sh KDIR [CRATE]: can the module be built for the kernel in KDIR, on the `kernel` crate
# that crate.sh chooses, or that CRATE forces? Says which that is, and names each thing that is
# missing, with what provides it. RUSTC, BINDGEN and LLVM come from the environment.

kdir=$1
conf=$kdir/include/config/auto.conf
rustc=${RUSTC:-rustc} bindgen=${BINDGEN:-bindgen}
failed=0

lacks()
{
	echo "amd_mce_guard: $*" >&2
	failed=1
}

is_set()
{
	grep -q "^$1=y" "$conf"
}

installed()
{
	command -v "$1" > /dev/null
}

case $(pwd)$kdir$MO in
*[[:space:]:]*)
	lacks "'$(pwd)', KDIR '$kdir' and MO '$MO' must be paths without space and colon, which" \
		"the kernel's Makefiles do not take"
	exit 1 ;;
esac
if [ ! -f "$kdir/Makefile" ]; then
	lacks "no kernel build tree in $kdir; install the kernel's headers package" \
		"or name a build tree with KDIR="
	exit 1
fi
if [ ! -f "$conf" ]; then
	lacks "$kdir is not configured; run 'make olddefconfig modules_prepare' there"
	exit 1
fi

case ${MO:+$(cat "$kdir/include/config/kernel.release")} in
6.?.* | 6.1[0-2].*)
	lacks "MO= came with linux 6.13; build in the tree" ;;
esac
is_set CONFIG_X86_64 || lacks "the kernel is not for x86-64"
is_set CONFIG_MODULES || lacks "the kernel has no CONFIG_MODULES: it loads no modules"
is_set CONFIG_X86_MCE_AMD ||
	lacks "the kernel has no CONFIG_X86_MCE_AMD: it has no amd_clear_bank() to guard"
for option in CONFIG_FUNCTION_TRACER CONFIG_DYNAMIC_FTRACE_WITH_ARGS; do
	is_set $option || lacks "the kernel has no $option: amd_clear_bank() cannot be hooked"
done
is_set CONFIG_KALLSYMS ||
	lacks "the kernel has no CONFIG_KALLSYMS: amd_clear_bank() cannot be found"
for option in CONFIG_RANDSTRUCT CONFIG_GCC_PLUGIN_RANDSTRUCT; do
	! is_set $option ||
		lacks "the kernel has $option: where the members of its structures are is known" \
			"to the compiler that built it, and not to Rust; there is no guard for it"
done

choice=$("$(dirname "$0")/crate.sh" "$kdir" "$2")
crate=${choice%% *} reason=${choice#* }
case $crate in
tree | standin) ;;
*) lacks "$reason: it can be 'tree' or 'standin'" ;;
esac
if [ "$crate" = tree ] && [ ! -f "$kdir/rust/libkernel.rmeta" ]; then
	lacks "there is no $kdir/rust/libkernel.rmeta: build without KERNEL_CRATE=tree"
fi

if ! installed "$rustc"; then
	lacks "$rustc is not installed; install the package rustc, 1.85 or newer," \
		"or name it with RUSTC="
else
	text=$("$rustc" --version)
	minor=$(echo "$text" | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
	[ "${minor:-0}" -ge 85 ] ||
		lacks "$rustc is '$text', the module needs 1.85 or newer: name one with RUSTC="
	src=$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/core/src/lib.rs
	[ "$crate" = tree ] || [ -f "$src" ] ||
		lacks "there is no $src; install the package rust-src (rustup: the component)"
fi
if ! installed "$bindgen"; then
	lacks "$bindgen is not installed; Debian's package is called bindgen"
else
	# Older ones do not know the Rust that they are to write.
	text=$("$bindgen" --version)
	minor=$(echo "$text" | sed -n 's/^bindgen 0\.\([0-9]*\)\..*/\1/p')
	[ "${minor:-0}" -ge 71 ] ||
		lacks "$bindgen is '$text', the module needs 0.71 or newer: name one with BINDGEN="
fi
if [ -n "$LLVM" ]; then
	prefix='' suffix=''
	case $LLVM in
	*/) prefix=$LLVM ;;
	-*) suffix=$LLVM ;;
	esac
	for tool in "${prefix}clang$suffix" "${prefix}ld.lld$suffix"; do
		installed "$tool" ||
			lacks "$tool is not installed; the kernel was built by clang and lld"
	done
fi

[ $failed -eq 0 ] || exit 1
case $crate in
tree) echo "amd_mce_guard: building on the kernel's own Rust crates: $reason" ;;
standin) echo "amd_mce_guard: building on the stand-in for the kernel's Rust crates: $reason" ;;
esac
