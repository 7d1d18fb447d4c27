#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ftrace fails on another function while the guard is loaded, and is off from then on.

source /repo/selftests/lib/status.sh
source /repo/selftests/vm/in-host-vm/ktap.sh

readonly INJECT=(/repo/build/kernels/test/kselftest/amd_mce_guard/mce_inject 0)
readonly OTHER=cmdline_proc_show

# The function tracer says nothing; the kernel's warning does.
ftrace_fails()
{
	insmod "$KO" && insmod "$OUT/overwrite/test_mce_overwrite.ko" function=$OTHER || return
	echo $OTHER > $TRACING/set_ftrace_filter
	echo function > $TRACING/current_tracer
	dmesg | grep 'WARNING: .*ftrace'
}

# guards N: one more deferred error, the Nth, is guarded
guards()
{
	echo 1 > /sys/devices/system/machinecheck/machinecheck0/check_interval
	"${INJECT[@]}" error 9 $DEFERRED 0 0 && "${INJECT[@]}" holding 600 9
	[ "$("${INJECT[@]}" status 9)" = 0 ] && grep -x "$1" $GUARD_DIR/deferred_guarded
}

does_not_unload()
{
	rmmod amd_mce_guard > /dev/null 2>&1 &
	for _ in {1..100}; do
		! dmesg | grep 'amd_mce_guard: ftrace has failed .* unloading does not end' || break
		sleep 0.1
	done
	sleep 1
	kill -KILL $!
	kill -0 $! && grep 'amd_mce_guard .* Unloading' /proc/modules
}

ktap_print_header
ktap_set_plan 4
test_that "ftrace fails on another function while the guard is loaded" ftrace_fails
test_that "the guard goes on guarding after ftrace has failed" guards 1
test_that "unloading does not end after ftrace has failed, and says why" does_not_unload
test_that "the guard guards while it cannot be unloaded" guards 2
