# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# What `make check` consists of: jobs, which it runs side by side, and the suites of each, which
# have their KTAP in build/check/JOB/SUITE.ktap.

# The kselftests that any VM with something to guard runs: those in selftests/Makefile, less what
# needs a daemon beside it or a CPU of another kind.
mapfile -t KSELFTESTS < <(sed -n 's/^\ttest-\([a-z]*\)\.sh.*/\1/p' \
	"$(dirname "${BASH_SOURCE[0]}")/../Makefile" | grep -vx -e rasdaemon -e unaffected)
readonly KSELFTESTS

# Those of them in which the callback is called in different ways: by a trampoline of its own, which
# checks no type, or from ftrace's list of users, which does.
readonly CFI_KSELFTESTS=(deferred beside)

# Those of them that run in a guest on KVM, which an error would panic.
readonly NESTED_KSELFTESTS=(deferred memory unload)

# What a fixed kernel runs without the guard, as the reference for what it does with it.
readonly REFERENCES=(deferred corrected memory hotplug threshold rasdaemon)

# Those that take longest come first.
readonly JOBS=(debug stock nested amd faults variants procedure comeback kernels clang reference
	selftest lint build install doctor running overwritten broken package signing lava machine
	intel hygon nomca kunit cost smca preflight caution)

# suites JOB: its suites
suites()
{
	case $1 in
	reference)
		echo "${REFERENCES[@]}" ;;
	amd)
		echo "${KSELFTESTS[@]}" rasdaemon ;;
	clang)
		echo "${CFI_KSELFTESTS[@]}" ;;
	debug)
		echo "${KSELFTESTS[@]}" checkers ;;
	stock)
		echo "${KSELFTESTS[@]}" ;;
	nested)
		echo "${NESTED_KSELFTESTS[@]}" nested ;;
	intel | hygon | nomca | smca)
		echo unaffected ;;
	*)
		echo "$1" ;;
	esac
}

# may_skip JOB TEST: that it cannot run there is known. In the lab any other skip is a failure.
may_skip()
{
	case "$1: $2" in
	# Linux 7.3 refuses to switch ftrace off.
	"stock: the guard does not load with kernel.ftrace_enabled=0"*) ;;
	# It would panic the guest.
	"nested: without the guard"*) ;;
	# It has one.
	"nested: unloading polls an error that waits in a bank of another CPU"*) ;;
	# Its root file system is in memory, where no page is clean.
	"lava/counted: a clean page of the page cache is read again"*) ;;
	# What the archive has not any more.
	"stock: all of it" | "reference: all of it" | "running: all of it" | \
		"machine: all of it" | "install: "* | "package: "* | "signing: "* | \
		*": "*"Debian's linux $STOCK_SERIES"*)
		unavailable stock > /dev/null ;;
	*": "*"Debian's linux "*)
		unavailable "$(sed -E "s/.*Debian's linux ([0-9.]*[0-9]).*/debian-\1/" <<< "$2")" \
			> /dev/null ;;
	*)
		return 1 ;;
	esac
}

# Kernels without Rust, or from before the defect.
readonly OTHERS="clang ${!VENDOR_SOURCE[*]} inlined $DEBIAN_BEFORE $DEBIAN_VULNERABLE"

# kernels JOB: the kernels it needs, see kernel.sh
kernels()
{
	case $1 in
	debug | faults)
		echo test debug ;;
	clang | stock)
		echo test "$1" ;;
	cost)
		echo test fixed ;;
	install | reference | variants | lint | running | signing)
		echo test stock ;;
	kernels)
		echo test "$OTHERS" ;;
	selftest)
		echo test clang "${!VENDOR_SOURCE[@]}" newer-rustc ;;
	build)
		echo test clang "${!VENDOR_SOURCE[@]}" stock "$DEBIAN_BEFORE" ;;
	doctor)
		echo test stock "$OTHERS" ;;
	package | machine)
		echo test stock cleanroot ;;
	preflight)
		echo test stock "$DEBIAN_BEFORE" ;;
	*)
		echo test ;;
	esac
}
