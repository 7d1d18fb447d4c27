#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The Makefile's preflight: each thing that can be missing is named in words.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"

readonly KDIR="$BUILD/check/preflight"

# fake_kdir [SED EXPRESSION]: a build tree like the kernel's, with its configuration edited
fake_kdir()
{
	rm -rf "$KDIR"
	mkdir -p "$KDIR/include/config" "$KDIR/rust"
	touch "$KDIR/Makefile"
	sed "${1:-}" "$(kernel_obj_dir)/include/config/auto.conf" > "$KDIR/include/config/auto.conf"
	head -c 4096 "$(kernel_obj_dir)/rust/libcore.rmeta" > "$KDIR/rust/libcore.rmeta"
	touch "$KDIR/rust/libkernel.rmeta"
}

# preflight [VARIABLE=VALUE...]: run it on that tree
preflight()
{
	in_sysroot env "$@" rust/build/preflight.sh "${KDIR_INSIDE:-/repo${KDIR#"$TOP"}}"
}

# complains PATTERN [VARIABLE=VALUE...]: the preflight fails and its words have PATTERN
complains()
{
	local pattern=$1 output

	shift
	if output=$(preflight "$@" 2>&1); then
		echo "the preflight found nothing wrong"
		return 1
	fi
	printf '%s\n' "$output"
	grep -q "$pattern" <<< "$output"
}

without_option()
{
	fake_kdir "/^$1=/d"
	complains "$1"
}

without_rust()
{
	fake_kdir "/^CONFIG_RUST=/d"
	complains 'no CONFIG_RUST.*build it with SELF_CONTAINED=1'
}

without_objects()
{
	fake_kdir
	complains 'make rust-metadata SELF_CONTAINED=1 KDIR=' SELF_CONTAINED=1
}

with_lto()
{
	fake_kdir 's/^CONFIG_RUST=y/&\nCONFIG_LTO_CLANG=y/'
	complains 'CONFIG_LTO_CLANG.*inlined'
}

without_metadata()
{
	fake_kdir
	rm "$KDIR/rust/lib$1.rmeta"
	complains "missing: [^ ]*lib$1.rmeta.*make rust-metadata"
}

with_other_rustc_configured()
{
	fake_kdir 's/^CONFIG_RUSTC_VERSION=.*/CONFIG_RUSTC_VERSION=107800/'
	complains 'the kernel was built with'
}

with_other_rustc_metadata()
{
	fake_kdir
	printf 'rust\0\0\0\x09\x13rustc 1.84.0 (9fc6b4312 2025-01-07)' > "$KDIR/rust/libcore.rmeta"
	complains "was made by 'rustc 1.84.0"
}

unconfigured()
{
	fake_kdir
	rm "$KDIR/include/config/auto.conf"
	complains 'is not configured'
}

missing_tool()
{
	fake_kdir
	complains "no-such-tool is not installed" "$1=no-such-tool"
}

accepts_unedited()
{
	fake_kdir
	preflight
}

missing_kdir()
{
	KDIR_INSIDE=/nonexistent complains 'no kernel build tree in /nonexistent'
}

ktap_print_header
ktap_set_plan 16
test_that "accepts the tree that the refusals below are made from" accepts_unedited
test_that "for a kernel without CONFIG_RUST, names SELF_CONTAINED=1" without_rust
test_that "for a self-contained module, asks for the kernel's Rust objects" without_objects
for option in CONFIG_MODULES CONFIG_X86_MCE_AMD CONFIG_FUNCTION_TRACER \
	CONFIG_DYNAMIC_FTRACE_WITH_ARGS; do
	test_that "refuses a kernel without $option" without_option $option
done
test_that "refuses a kernel with CONFIG_LTO_CLANG" with_lto
test_that "misses libcore.rmeta" without_metadata core
test_that "misses libkernel.rmeta" without_metadata kernel
test_that "refuses a rustc that the kernel was not configured with" with_other_rustc_configured
test_that "refuses a rustc that did not make libcore.rmeta" with_other_rustc_metadata
test_that "refuses a tree that is not configured" unconfigured
test_that "misses rustc" missing_tool RUSTC
test_that "misses bindgen" missing_tool BINDGEN
test_that "refuses a KDIR that is not there" missing_kdir
