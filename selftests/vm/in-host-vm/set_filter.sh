#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What becomes of a filter by name when memory for its entry runs out. FIXED=yes: the kernel has the
# fix of ftrace that is part of the series for upstream; otherwise it is to have the defect.

source /repo/selftests/vm/in-host-vm/ktap.sh

readonly FAILSLAB=/sys/kernel/debug/failslab
readonly MODULE=$OUT/modules/test_set_filter.ko

# set_fault NAME VALUE...
set_fault()
{
	while [ $# -gt 1 ]; do
		echo "$2" > "$FAILSLAB/$1" || return
		shift 2
	done
}

# In match_records(), where the only allocation is that of an entry.
aim()
{
	local code

	mapfile -t code < <(sed -n '/ match_records$/{s/ .*//p;n;s/ .*//p}' /proc/kallsyms)
	[ ${#code[@]} = 2 ] || { grep match_records /proc/kallsyms; return 1; }
	set_fault verbose 0 ignore-gfp-wait N require-start "0x${code[0]}" \
		require-end "0x${code[1]}" task-filter Y probability 100
}

hooked()
{
	grep -c . $TRACING/enabled_functions
}

loads_without_a_failure()
{
	insmod "$MODULE" || return
	echo "$(hooked) function(s) hooked"
	[ "$(hooked)" = 1 ]
	status=$?
	rmmod test_set_filter
	return $status
}

# The first allocation there that the loading task makes fails, as the message of the patch has it.
load_with_a_failure()
{
	set_fault times 1 &&
		sh -c "echo 1 > /proc/self/make-it-fail && exec insmod '$MODULE'" 2>&1
}

traces_everything()
{
	load_with_a_failure || return
	echo "$(hooked) function(s) hooked"
	[ "$(hooked)" -gt 1000 ]
	status=$?
	rmmod test_set_filter
	return $status
}

fails_to_load()
{
	local output

	! output=$(load_with_a_failure) || return
	echo "$output; $(hooked) function(s) hooked"
	[[ $output == *"Cannot allocate memory"* ]] && [ "$(hooked)" = 0 ]
}

ktap_print_header
ktap_set_plan 3
test_that "the allocation of a filter's entry is found" aim
test_that "without a failure one function is hooked" loads_without_a_failure
if [ "${FIXED:-}" = yes ]; then
	test_that "when it fails so does loading, and nothing is hooked" fails_to_load
else
	test_that "when it fails the module loads, and every function is hooked" traces_everything
fi
