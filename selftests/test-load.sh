#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading and unloading: what is said, hooked and shown, and that nothing of it stays.

source "$(dirname "$0")/functions.sh"

readonly LOADED="\
% insmod amd_mce_guard
$GUARDING"
readonly HOOKED="\
> hooks at amd_clear_bank(): 1
> files: deferred_guarded"
readonly NOT_HOOKED="\
> hooks at amd_clear_bank(): 0
> files:"

load_and_unload()
{
	load_guard
	show_hook
	show_counter
	unload_guard
	show_hook
	check_result "\
$LOADED
$HOOKED
> counter: deferred_guarded 0
% rmmod amd_mce_guard
$NOT_HOOKED"
}

light_trampoline()
{
	load_guard
	# An R would follow if it saved all registers.
	log "> $(grep -o '^amd_clear_bank ([0-9]*)..' $TRACING/enabled_functions)|"
	check_result "\
$LOADED
> amd_clear_bank (1)  |"
}

twenty_times()
{
	local i

	for ((i = 0; i < 20; i++)); do
		load_guard
		unload_guard
	done
	show_hook
	check_result "\
$(for ((i = 0; i < 20; i++)); do printf '%s\n' "$LOADED" "% rmmod amd_mce_guard"; done)
$NOT_HOOKED"
}

load_twice()
{
	load_guard
	load_failing_guard
	show_hook
	check_result "\
$LOADED
% insmod amd_mce_guard
> File exists
$HOOKED"
}

unknown_parameter()
{
	GUARD_OPTIONS=no_such_parameter=1
	load_guard
	show_hook
	check_result "\
% insmod amd_mce_guard no_such_parameter=1
amd_mce_guard: unknown parameter 'no_such_parameter' ignored
$GUARDING
$HOOKED"
}

# A file that somebody holds open does not keep the module. Once that has gone, it reads nothing.
unload_while_read()
{
	load_guard
	exec {number}< $GUARD_DIR/deferred_guarded
	unload_guard
	cat <&"$number" 2> /dev/null && die "deferred_guarded can still be read"
	exec {number}<&-
	show_hook
	check_result "\
$LOADED
% rmmod amd_mce_guard
$NOT_HOOKED"
}

for_root_to_read()
{
	load_guard
	log "> deferred_guarded $(stat -c '%a %U' $GUARD_DIR/deferred_guarded)"
	check_result "\
$LOADED
> deferred_guarded 400 root"
}

taints()
{
	load_guard
	show_taint
	check_result "\
$LOADED
> taint: $(expected_taint)"
}

setup_tests
require_guard
require_affected
run_test "loading says that it guards, hooks and counts from zero; unloading leaves nothing" \
	load_and_unload
run_test "the hook has the light trampoline" light_trampoline
run_test "the guard loads and unloads twenty times" twenty_times
run_test "the guard does not load twice" load_twice
run_test "an unknown module parameter is named and ignored" unknown_parameter
run_test "the guard unloads while its counter's file is open" unload_while_read
run_test "the counter's file is for root to read" for_root_to_read
run_test "the guard taints the kernel as its origin and signature say" taints
ktap_finished
