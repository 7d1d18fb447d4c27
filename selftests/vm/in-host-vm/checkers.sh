#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The debug kernel after its kselftests: what looks for mistakes is still looking, and has found
# none at any time, between the tests and before them included.

source /repo/selftests/vm/in-host-vm/ktap.sh

lockdep_is_on()
{
	grep -E '^ *debug_locks: *1$' /proc/lockdep_stats
}

log_is_whole()
{
	dmesg | head -n 1 | grep 'Linux version'
}

ktap_print_header
ktap_set_plan 3
test_that "lockdep has not switched itself off" lockdep_is_on
test_that "the kernel's log goes back to its first line" log_is_whole
test_that "the kernel's log has no splat" no_splat
