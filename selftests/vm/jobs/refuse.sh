#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading where there is nothing to guard: ENODEV, one line with the reason, nothing hooked.

source /repo/selftests/vm/jobs/ktap.sh

if grep -q '^flags.* smca' /proc/cpuinfo; then
	reason='this CPU has SMCA; its kernel path is already correct, nothing to guard'
else
	reason="this CPU is not AMD's; its banks are cleared elsewhere, nothing to guard"
fi

one_line()
{
	local lines

	lines=$(dmesg | grep 'amd_mce_guard: ' | grep -v 'taints kernel')
	echo "$lines"
	[ "$(wc -l <<< "$lines")" -eq 1 ]
}

ktap_print_header
ktap_set_plan 6
test_that "$(awk '/vendor_id/ { print $3; exit }' /proc/cpuinfo): does not load: ENODEV" \
	load_fails_with 'No such device'
test_that "says: $reason" log_says "amd_mce_guard: $reason"
test_that "says nothing else" one_line
test_that "hooks nothing" not_hooked
test_that "creates no files" no_files
test_that "no splat" no_splat
