# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# What `make check` consists of: jobs, which it runs side by side, and the suites of each, which
# have their KTAP in build/check/JOB/SUITE.ktap.

# The kselftests that a VM with something to guard runs.
readonly KSELFTESTS=(load deferred corrected memory ftrace beside hotplug threshold stress)

# Those of them in which the callback is called in different ways: by a trampoline of its own, which
# checks no type, or from ftrace's list of users, which does.
readonly CFI_KSELFTESTS=(deferred beside)

# Those of them that run in a guest on KVM, which an error would panic.
readonly NESTED_KSELFTESTS=(deferred memory)

# What a fixed kernel runs with the guard, and without, as the reference for that.
readonly REFERENCES=(deferred corrected memory hotplug threshold rasdaemon)

# Those that take longest come first.
readonly JOBS=(debug stock nested amd faults variants procedure contained cfi reference fixed
	lint build metadata image install doctor running package signing lava machine
	nofunction
	intel hygon kunit smca preflight caution)

# suites JOB: its suites
suites()
{
	case $1 in
	reference | fixed)
		echo "${REFERENCES[@]}" ;;
	amd)
		echo "${KSELFTESTS[@]}" rasdaemon ;;
	cfi)
		echo "${CFI_KSELFTESTS[@]}" ;;
	debug)
		echo "${KSELFTESTS[@]}" checkers ;;
	stock)
		echo "${KSELFTESTS[@]}" ;;
	nested)
		echo "${NESTED_KSELFTESTS[@]}" nested ;;
	intel | hygon | smca)
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
	# Its root file system is in memory, where no page is clean.
	"lava/counted: a clean page of the page cache is read again"*) ;;
	# What the archive has not any more.
	"stock: all of it")
		unavailable stock > /dev/null ;;
	"lint: "*"on Debian's linux"* | "build: "*"for Debian's linux"*)
		unavailable stock > /dev/null ;;
	"doctor: Debian's linux "*)
		unavailable "$(sed -E 's/.* linux ([0-9.]+) .*/debian-\1/; s/debian-7.*/stock/' \
			<<< "$2")" > /dev/null ;;
	"running: all of it" | "machine: all of it" | "package: "* | "signing: "*)
		unavailable stock > /dev/null ;;
	"image: "*)
		unavailable "${DEBIAN_VULNERABLE##* }" > /dev/null ||
			unavailable stock > /dev/null ;;
	"metadata: "*)
		unavailable stock > /dev/null ;;
	"contained: a self-contained module on Debian's linux "*)
		unavailable "$(sed -E 's/.* linux ([0-9.]+):.*/debian-\1/' <<< "$2")" > /dev/null ;;
	*)
		return 1 ;;
	esac
}

# kernels JOB: the kernels it needs, see kernel.sh
kernels()
{
	case $1 in
	debug | faults)
		echo test debug ;;
	cfi | stock)
		echo test "$1" ;;
	fixed | reference)
		echo test fixed ;;
	variants)
		echo test fixed reverted ;;
	lint | build)
		echo test stock ;;
	metadata)
		echo test stock ;;
	image)
		echo test stock "${DEBIAN_VULNERABLE##* }" ;;
	doctor)
		echo test clang vendor-6.12 stock debian-6.12 "$DEBIAN_VULNERABLE" ;;
	running | signing)
		echo test stock ;;
	package)
		echo test stock norust cleanroot ;;
	machine)
		echo test stock cleanroot ;;
	contained)
		echo test norust "$DEBIAN_VULNERABLE" ;;
	*)
		echo test ;;
	esac
}
