#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What switches ftrace off for tracers does not switch the hook off.

source "$(dirname "$0")/functions.sh"

sysctl_while_loaded()
{
	watch_errors
	load_guard
	set_ftrace 0
	inject 0 9 $DEFERRED
	poll
	check_result "\
% insmod amd_mce_guard
$GUARDING
% sysctl kernel.ftrace_enabled=0
> refused
> kernel.ftrace_enabled = 1
% inject cpu 0 bank 9 status $DEFERRED
$(first_guarded 9 $DEFERRED)
> logged: cpu 0 bank 9 status $DEFERRED
> amd_clear_bank(): cpu 0 bank 9 status $DEFERRED_SEEN"
}

sysctl_before_loading()
{
	trap 'echo 1 > $FTRACE_ENABLED' EXIT
	set_ftrace 0
	[ "$(< $FTRACE_ENABLED)" = 0 ] || skip "this ftrace cannot be switched off"
	load_failing_guard
	set_ftrace 1
	show_hook
	load_guard
	check_result "\
% sysctl kernel.ftrace_enabled=0
> kernel.ftrace_enabled = 0
% insmod amd_mce_guard
amd_mce_guard: NOT GUARDING: ftrace is off; set the sysctl kernel.ftrace_enabled to 1 and load again
> Device or resource busy
% sysctl kernel.ftrace_enabled=1
> kernel.ftrace_enabled = 1
> hooks at amd_clear_bank(): 0
> files:
% insmod amd_mce_guard
$GUARDING"
}

# As it would be if changing the code had failed unnoticed.
hook_that_is_none()
{
	load_mod test_mce_unhooked
	load_failing_guard
	show_hook
	unload_mod test_mce_unhooked
	load_guard
	check_result "\
% insmod test_mce_unhooked
% insmod amd_mce_guard
amd_mce_guard: NOT GUARDING: ftrace says that amd_clear_bank() is hooked, but its code is not; \
reboot this machine
> Operation not supported
> hooks at amd_clear_bank(): 0
> files:
% rmmod test_mce_unhooked
% insmod amd_mce_guard
$GUARDING"
}

# What an administrator of tracefs can do is for tracers; the guard is none.
tracefs_files()
{
	[[ $(< $TRACING/set_ftrace_notrace) == *"no functions disabled"* ]] ||
		skip "somebody uses set_ftrace_notrace"
	TRACING_ON=$(< $TRACING/tracing_on)
	trap 'forget_errors; echo > $TRACING/set_ftrace_notrace
		echo $TRACING_ON > $TRACING/tracing_on' EXIT
	watch_errors
	load_guard
	log "% take amd_clear_bank() out of all tracing"
	echo amd_clear_bank > $TRACING/set_ftrace_notrace
	echo 0 > $TRACING/tracing_on
	inject 0 9 $DEFERRED
	poll
	check_result "\
% insmod amd_mce_guard
$GUARDING
% take amd_clear_bank() out of all tracing
% inject cpu 0 bank 9 status $DEFERRED
$(first_guarded 9 $DEFERRED)
> logged: cpu 0 bank 9 status $DEFERRED
> amd_clear_bank(): cpu 0 bank 9 status $DEFERRED_SEEN"
}

setup_tests
require_guard
require_banks
run_test "kernel.ftrace_enabled=0 is refused while the guard is loaded, which stays live" \
	sysctl_while_loaded
run_test "the guard does not load with kernel.ftrace_enabled=0, and names it" \
	sysctl_before_loading
run_test "the guard does not load if ftrace has hooked nothing, whatever ftrace says" \
	hook_that_is_none
run_test "set_ftrace_notrace and tracing_on do not concern the guard" tracefs_files
ktap_finished
