#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel with the series for upstream in it: its KUnit suites and doctests, the sample, the
# guard that was built in its tree with its kselftests, and the kselftests that need none.

source /repo/selftests/vm/in-host-vm/ktap.sh
source /repo/selftests/vm/lib/kunit-cases.sh

readonly MODULES=$OUT/modules
readonly KSFT=$OUT/kselftest
# What is to be in the log of a kernel that was booted with kunit.enable=1.
readonly FTRACE_RS=$SERIES_SRC/rust/kernel/ftrace.rs

# passed SUITE CASE: KUnit says so
passed()
{
	dmesg | kunit_passed "$@"
}

hooked()
{
	grep -q "^$1 " $TRACING/enabled_functions
}

sample_counts()
{
	! hooked wake_up_process || return
	insmod "$MODULES/rust_ftrace.ko" || return
	hooked wake_up_process || return
	ls / > /dev/null
	rmmod rust_ftrace || return
	dmesg | grep -E 'rust_ftrace: wake_up_process\(\) was entered [1-9][0-9]* times' &&
		! hooked wake_up_process
}

guard_loads()
{
	local words='guarding: this CPU has no SMCA, amd_clear_bank() is hooked'

	insmod "$MODULES/amd_mce_guard.ko" && hooked amd_clear_bank &&
		log_says "amd_mce_guard: $words"
}

guard_unloads()
{
	rmmod amd_mce_guard && not_hooked
}

# kselftest TARGET NAME: it passes, with one case at least and no skip
kselftest()
{
	local output

	output=$("$KSFT/run_kselftest.sh" --test "$1:test-$2.sh" 2>&1 | cat)
	printf '%s\n' "$output" | tee "/lab/$2.out"
	grep -q '^# ok 1 ' <<< "$output" && ! grep -E '^# not ok |# SKIP' <<< "$output"
}

# The negative control: beside a guard amd_clear_bank() does not see what they expect.
kselftest_fails_beside_the_guard()
{
	insmod "$MODULES/amd_mce_guard.ko" || return
	! kselftest x86/mce deferred && grep -q '^# not ok ' /lab/deferred.out
	status=$?
	rmmod amd_mce_guard
	return $status
}

mapfile -t ftrace_cases < <(kunit_cases "$FTRACE_RS")
mapfile -t guard_cases < <(kunit_cases "$SERIES_SRC"/drivers/ras/amd/mce_guard/*.rs)

ktap_print_header
ktap_set_plan $((${#ftrace_cases[@]} + ${#guard_cases[@]} + 16))
for case in "${ftrace_cases[@]}"; do
	# shellcheck disable=SC2086 # two words
	test_that "KUnit: ${case/ /: }" passed $case
done
for i in 0 1; do
	test_that "the doctest rust_doctest_kernel_ftrace_rs_$i passes" \
		passed rust_doctests_kernel rust_doctest_kernel_ftrace_rs_$i
done
test_that "the sample counts entries, and its hook goes with it" sample_counts
test_that "the guard built in tree loads and hooks amd_clear_bank()" guard_loads
for case in "${guard_cases[@]}"; do
	# shellcheck disable=SC2086 # two words
	test_that "KUnit: ${case/ /: }" passed $case
done
test_that "the guard built in tree unloads, and its hook goes with it" guard_unloads
for name in deferred corrected memory hotplug threshold; do
	test_that "kselftest x86/mce: test-$name.sh passes without a guard" \
		kselftest x86/mce $name
done
for name in load unload deferred ftrace; do
	test_that "kselftest amd_mce_guard: test-$name.sh passes with the guard built in tree" \
		kselftest amd_mce_guard $name
done
test_that "kselftest x86/mce: test-deferred.sh fails beside the guard" \
	kselftest_fails_beside_the_guard
test_that "nothing so far has left a splat in the kernel log" no_splat
