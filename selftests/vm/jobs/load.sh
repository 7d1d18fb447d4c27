#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading where there is something to guard: what it says, what it hooks, what it shows, and what
# unloading leaves.

source /repo/selftests/vm/jobs/ktap.sh

hooked()
{
	local line

	line=$(grep '^amd_clear_bank ' $TRACING/enabled_functions)
	echo "enabled_functions: $line"
	# One user, and no R: the trampoline does not save all registers.
	[[ $line =~ ^amd_clear_bank\ \(1\) ]] && [[ ! ${line%%tramp*} =~ \)\ *R ]]
}

counters_are_zero()
{
	[ "$(cat $GUARD_DIR/banks_cleared)" = 0 ] && [ "$(cat $GUARD_DIR/deferred_guarded)" = 0 ] &&
		[ "$(cat $GUARD_DIR/by_bank)" = "bank cleared guarded" ]
}

for_root_to_read()
{
	local modes

	modes=$(stat -c %a:%u $GUARD_DIR/*)
	echo "$modes"
	[ "$modes" = "$(printf '400:0\n400:0\n400:0')" ]
}

ftrace_cannot_be_switched_off()
{
	local output

	output=$(sysctl -w kernel.ftrace_enabled=0 2>&1)
	echo "$output"
	[[ $output == *"resource busy"* ]] && [ "$(sysctl -n kernel.ftrace_enabled)" = 1 ]
}

# The first message about EBUSY comes from the module; what insmod says is the kernel's word for it.
refused_without_ftrace()
{
	sysctl -q -w kernel.ftrace_enabled=0
	load_fails_with 'Device or resource busy'
	local status=$?
	sysctl -q -w kernel.ftrace_enabled=1
	return $status
}

ktap_print_header
ktap_set_plan 13
test_that "loads" insmod $KO
test_that "says that it guards" \
	log_says 'amd_mce_guard: guarding: this CPU has no SMCA, amd_clear_bank() is hooked'
test_that "hooks amd_clear_bank through the light trampoline" hooked
test_that "counters start at zero" counters_are_zero
test_that "counters are for root to read" for_root_to_read
test_that "kernel.ftrace_enabled cannot be set to 0 meanwhile" ftrace_cannot_be_switched_off
test_that "unloads" rmmod amd_mce_guard
test_that "unloading removes the hook" not_hooked
test_that "unloading removes the files" no_files
test_that "does not load with kernel.ftrace_enabled=0" refused_without_ftrace
test_that "names the sysctl then" log_says \
	'amd_mce_guard: ftrace is off; set the sysctl kernel.ftrace_enabled to 1 and load again'
test_that "loads again" insmod $KO
test_that "no splat" no_splat
