#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unloading: an error that waits in a bank is polled while the guard is still there.

# shellcheck disable=SC2086 # no bank and no status has a space
source "$(dirname "$0")/functions.sh"

# show_sweep(cpu, bank...) - what the witnesses saw, and what these banks hold
show_sweep()
{
	local cpu=$1 bank

	shift
	loop_until records_are $# || log "> fewer records than errors"
	tell_errors
	for bank; do
		log "> bank $bank of cpu $cpu holds $(./mce_inject "$cpu" status "$bank")"
	done
}

# one_error(cpu) - what unloading does with an error that nobody polls
one_error()
{
	poll_every 3600
	watch_errors
	load_guard
	inject "$1" 9 $DEFERRED
	unload_guard
	show_sweep "$1" 9
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu $1 bank 9 status $DEFERRED
% rmmod amd_mce_guard
$(first_guarded 9 $DEFERRED)
> logged: cpu $1 bank 9 status $DEFERRED
> amd_clear_bank(): cpu $1 bank 9 status $DEFERRED_SEEN
> bank 9 of cpu $1 holds 0"
}

on_cpu_0()
{
	one_error 0
}

on_cpu_1()
{
	[ -d $CPU1 ] || skip "there is no CPU 1"
	one_error 1
}

every_bank()
{
	local bank

	poll_every 3600
	watch_errors
	load_guard
	inject_everywhere 0 $DEFERRED
	unload_guard
	# shellcheck disable=SC2046 # numbers
	show_sweep 0 $(seq 0 $((BANKS - 1)))
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 0, each bank, status $DEFERRED
% rmmod amd_mce_guard
$(first_guarded 0 $DEFERRED)
$(each_bank 0 logged: $DEFERRED)
$(each_bank 0 'amd_clear_bank():' $DEFERRED_SEEN)
$(for ((bank = 0; bank < BANKS; bank++)); do echo "> bank $bank of cpu 0 holds 0"; done)"
}

setup_tests
require_guard
require_banks
run_test "unloading polls an error that waits in a bank, while the guard is there" on_cpu_0
run_test "unloading polls an error that waits in a bank of another CPU" on_cpu_1
run_test "unloading polls an error that waits in each bank" every_bank
ktap_finished
