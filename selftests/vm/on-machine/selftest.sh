#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The stand-in for the kernel's Rust crates, on kernels that have none: the module's KUnit suites
# pass on it, and a panic in Rust is a message and a backtrace. With a newer rustc than the
# sysroot's, too.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/lib/splats.sh"
source "$TOP/selftests/vm/lib/kunit-cases.sh"

readonly DIR="$BUILD/check/selftest"

# boots KERNEL: its VM runs the job to its end, or into the panic that there is at the end
boots()
{
	use_kernel "$1"
	# There is one that panics at the end.
	run_vm "$DIR/$1" selftest "$AMD_CPU" || [ "$1" = vendor-6.12 ] || {
		last_words "$DIR/$1"
		return 1
	}
	grep -x 'module: insmod exit status 0' "$DIR/$1/job.log" &&
		grep -x 'module: rmmod exit status 0' "$DIR/$1/job.log" &&
		grep -F 'amd_mce_guard: guarding' "$DIR/$1/dmesg"
}

suites_pass()
{
	local suite case failed=0

	while read -r suite case; do
		grep -qxE "selftest: ok [0-9]+ ${suite}[.]$case" "$DIR/$1/dmesg" ||
			{ echo "$suite.$case has not passed"; failed=1; }
	done < <(kunit_cases "$TOP"/rust/*.rs)
	grep -E 'selftest: (not ok|#.*failed)' "$DIR/$1/dmesg"
	[ $failed -eq 0 ] && grep -x 'selftest: insmod exit status 0' "$DIR/$1/job.log"
}

quiet()
{
	[ -s "$DIR/$1/dmesg" ] && ! grep -E "$SPLATS" "$DIR/$1/dmesg"
}

panics_in_words()
{
	local console=$DIR/vendor-6.12/console.log line

	for line in 'rust_kernel: panicked at guard\.rs:[0-9]+: on purpose' 'kernel BUG at ' \
		'RIP: 0010:rust_helper_BUG' 'Call Trace:' ' do_init_module\+0x'; do
		grep -E "$line" "$console" || { echo "no '$line' in $console"; return 1; }
	done
}

mkdir -p "$DIR"
ktap_print_header
ktap_set_plan 13
for kernel in $VENDORS clang test; do
	what="linux ${kernel#vendor-}"
	[ "$kernel" != clang ] || what="a kernel by clang with kCFI"
	[ "$kernel" != test ] ||
		what="a module by $(in_sysroot "$NEWER_RUSTC/rustc" --version | cut -d " " -f 1,2)"
	test_that "$what: the module loads and guards" boots "$kernel"
	test_that "$what: the module's KUnit suites pass on the stand-in" suites_pass "$kernel"
	test_that "$what: the kernel's log has no splat" quiet "$kernel"
done
test_that "a panic in Rust gives a message and a backtrace" panics_in_words
