#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# preflight.sh TREE [KDIR]: can the module be built in TREE, for the kernel in KDIR where that is
# another directory? Says in words what is missing. SELF_CONTAINED comes from the environment.

kdir=$1
given=${2:-$1}
conf=$kdir/include/config/auto.conf
failed=0

lacks()
{
	echo "amd_mce_guard: $*" >&2
	failed=1
}

set_in_conf()
{
	grep -q "^$1=y" "$conf"
}

if [ ! -f "$kdir/Makefile" ]; then
	lacks "no kernel build tree in $kdir; install the kernel's headers package" \
		"or name a build tree with KDIR="
	exit 1
fi
if [ ! -f "$conf" ]; then
	lacks "$kdir is not configured; run 'make olddefconfig modules_prepare' there"
	exit 1
fi

set_in_conf CONFIG_MODULES || lacks "the kernel has no CONFIG_MODULES: it loads no modules"
set_in_conf CONFIG_X86_MCE_AMD ||
	lacks "the kernel has no CONFIG_X86_MCE_AMD: it has no amd_clear_bank() to guard"
for option in CONFIG_FUNCTION_TRACER CONFIG_DYNAMIC_FTRACE_WITH_ARGS; do
	set_in_conf $option ||
		lacks "the kernel has no $option: amd_clear_bank() cannot be hooked"
done
if set_in_conf CONFIG_LTO_CLANG; then
	lacks "the kernel was built with CONFIG_LTO_CLANG: amd_clear_bank() may be inlined into" \
		"its caller, where a hook would miss it; there is no guard for such a kernel"
fi

metadata="make rust-metadata ${SELF_CONTAINED:+SELF_CONTAINED=1 }KDIR=$given KERNEL_SOURCE=<source \
tree, tarball or linux-source package of that kernel>"

if [ "$kdir" != "$given" ]; then
	# Made of it, or of what was there before an upgrade?
	sum=$(cat "$given/.config" "$given/Module.symvers" 2> /dev/null | sha256sum)
	grep -qx "AMD_MCE_GUARD_HEADERS := ${sum%% *}" "$kdir/amd_mce_guard.mk" ||
		lacks "$kdir was made for another configuration, or other exports, than those of" \
			"$given. Make it again: $metadata"
elif [ -n "$SELF_CONTAINED" ] &&
	! grep -qsx 'AMD_MCE_GUARD_SELF_CONTAINED := .*[^ ]' "$kdir/amd_mce_guard.mk"; then
	lacks "a self-contained module needs Rust objects made from its kernel's source:" \
		"$metadata"
	exit 1
elif ! set_in_conf CONFIG_RUST; then
	lacks "the kernel has no CONFIG_RUST. A module that takes nothing from the kernel's Rust" \
		"may do: build it with SELF_CONTAINED=1"
	exit 1
fi
missing=
for crate in core kernel; do
	[ -f "$kdir/rust/lib$crate.rmeta" ] || missing="$missing$kdir/rust/lib$crate.rmeta "
done
[ -z "$missing" ] ||
	lacks "missing: ${missing% }. The tree has no Rust metadata; make it: $metadata"

rustc=${RUSTC:-rustc}
if ! command -v "$rustc" > /dev/null; then
	lacks "$rustc is not installed; the kernel needs the rustc it was built with," \
		"$(sed -n 's/^CONFIG_RUSTC_VERSION_TEXT=//p' "$conf")"
else
	# CONFIG_RUSTC_VERSION is 108501 for 1.85.1.
	wanted=$(sed -n 's/^CONFIG_RUSTC_VERSION=//p' "$conf")
	text=$("$rustc" --version)
	version=$(echo "$text" | sed -n 's/^rustc \([0-9]*\)\.\([0-9]*\)\.\([0-9]*\).*/\1 \2 \3/p' |
		awk '{ print $1 * 100000 + $2 * 100 + $3 }')
	[ "$version" = "$wanted" ] ||
		lacks "$rustc is '$text', the kernel was built with" \
			"$(sed -n 's/^CONFIG_RUSTC_VERSION_TEXT=//p' "$conf"):" \
			"name that one with RUSTC="

	# The metadata starts with the version of the rustc that wrote it.
	if [ -f "$kdir/rust/libcore.rmeta" ]; then
		made=$(head -c 256 "$kdir/rust/libcore.rmeta" | tr -c '[:print:]' '\n' |
			grep -o 'rustc [0-9][^)]*)' | head -n 1)
		case $text in
		"$made"*) ;;
		*) lacks "$kdir/rust/libcore.rmeta was made by '$made', $rustc is '$text':" \
			"name that one with RUSTC=, or run 'make modules_prepare' in $kdir again" ;;
		esac
	fi
fi
command -v "${BINDGEN:-bindgen}" > /dev/null ||
	lacks "${BINDGEN:-bindgen} is not installed; Debian's package is called bindgen"

exit $failed
