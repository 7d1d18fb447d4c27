#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The hook beside everybody else who uses ftrace: nobody takes it away, and it takes nothing away
# from them.

# shellcheck source-path=SCRIPTDIR
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
$(first 9 $DEFERRED)
> logged: cpu 0 bank 9 status $DEFERRED
> amd_clear_bank(): cpu 0 bank 9 status $DEFERRED_SEEN"
}

sysctl_before_loading()
{
	trap 'sysctl -q -w kernel.ftrace_enabled=1' EXIT
	set_ftrace 0
	[ "$(sysctl -n kernel.ftrace_enabled)" = 0 ] || skip "this ftrace cannot be switched off"
	load_failing_guard
	set_ftrace 1
	show_hook
	load_guard
	check_result "\
% sysctl kernel.ftrace_enabled=0
> kernel.ftrace_enabled = 0
% insmod amd_mce_guard
amd_mce_guard: ftrace is off; set the sysctl kernel.ftrace_enabled to 1 and load again
> Device or resource busy
% sysctl kernel.ftrace_enabled=1
> kernel.ftrace_enabled = 1
> hooks at amd_clear_bank(): 0
> files: 
% insmod amd_mce_guard
$GUARDING"
}

# What an administrator of tracefs can do is for tracers; the guard is none.
tracefs_files()
{
	local notrace

	watch_errors
	load_guard
	log "% take amd_clear_bank() out of all tracing"
	notrace=$(cat $TRACING/set_ftrace_notrace)
	trap 'echo > $TRACING/set_ftrace_notrace; echo 1 > $TRACING/tracing_on' EXIT
	[[ $notrace == *"no functions disabled"* ]] || skip "somebody uses set_ftrace_notrace"
	echo amd_clear_bank > $TRACING/set_ftrace_notrace
	echo 0 > $TRACING/tracing_on
	inject 0 9 $DEFERRED
	poll
	check_result "\
% insmod amd_mce_guard
$GUARDING
% take amd_clear_bank() out of all tracing
% inject cpu 0 bank 9 status $DEFERRED
$(first 9 $DEFERRED)
> logged: cpu 0 bank 9 status $DEFERRED
> amd_clear_bank(): cpu 0 bank 9 status $DEFERRED_SEEN"
}

# try_error() - a deferred error if there is a guard, a corrected one if not; who has seen it?
try_error()
{
	local who

	if [[ $PRESENT == *" guard "* ]]; then
		inject 0 9 $DEFERRED
	else
		inject 0 9 $CORRECTED
	fi
	poll
	for who in $PRESENT; do
		[ "$who" = guard ] || saw "$who"
	done
}

# step(+who or -who) - somebody comes or goes
step()
{
	case $1 in
	+guard)
		load_guard ;;
	-guard)
		unload_guard ;;
	+*)
		arrive "${1#+}" ;;
	-*)
		leave "${1#-}" ;;
	esac
	if [[ $1 == +* ]]; then
		PRESENT+="${1#+} "
	else
		PRESENT=${PRESENT/ ${1#-} / }
	fi
	[ "$PRESENT" = " " ] || try_error
}

# steps(+who or -who...) - several of them, and the transcript that there must be in EXPECTED
steps()
{
	local step told

	EXPECTED=
	PRESENT=" "
	for step; do
		step "$step"
		[ "$step" != +guard ] || told=
		EXPECTED+=$(expected_step "$step" "$told")$'\n'
		[[ $PRESENT != *" guard "* ]] || told=yes
	done
}

# expected_step(+who or -who, told) - told: the guard has said of an error already
expected_step()
{
	local status=$CORRECTED who

	case $1 in
	+guard)
		printf '%s\n' "% insmod $MODULE" "$GUARDING" ;;
	-guard)
		echo "% rmmod $MODULE" ;;
	+*)
		echo "% ${1#+} arrives"
		[[ $1 != +kprobe && $1 != +livepatch ]] || echo "% insmod test_mce_${1#+}" ;;
	-*)
		echo "% ${1#-} leaves"
		[[ $1 != -kprobe && $1 != -livepatch ]] || echo "% rmmod test_mce_${1#-}" ;;
	esac
	[ "$PRESENT" != " " ] || return

	[[ $PRESENT != *" guard "* ]] || status=$DEFERRED
	echo "% inject cpu 0 bank 9 status $status"
	[[ $status != "$DEFERRED" || -n $2 ]] || first 9 $DEFERRED
	[[ $PRESENT != *" livepatch "* ]] ||
		echo "test_mce_livepatch: bank 9 status $DEFERRED_SEEN"
	echo "> logged: cpu 0 bank 9 status $status"
	[[ $PRESENT == *" livepatch "* ]] ||
		echo "> amd_clear_bank(): cpu 0 bank 9 status $DEFERRED_SEEN"
	for who in $PRESENT; do
		[ "$who" = guard ] || echo "> $who saw amd_clear_bank() 1 time(s)"
	done
}

# beside(who) - the guard and one other, in every order of arrival and leaving
beside()
{
	watch_errors
	steps +guard "+$1" "-$1" -guard \
		+guard "+$1" -guard "-$1" \
		"+$1" +guard "-$1" -guard \
		"+$1" +guard -guard "-$1"
	check_result "${EXPECTED%$'\n'}" "CMCI storm"
}

beside_function()
{
	beside function
}

beside_function_graph()
{
	beside function_graph
}

beside_kprobe()
{
	beside kprobe
}

beside_kprobe_event()
{
	beside kprobe_event
}

beside_livepatch()
{
	beside livepatch
}

all_before()
{
	watch_errors
	steps +function +function_graph +kprobe_event +kprobe +livepatch +guard \
		-function -function_graph -kprobe_event -kprobe -livepatch -guard
	check_result "${EXPECTED%$'\n'}" "CMCI storm"
}

all_after()
{
	watch_errors
	steps +guard +livepatch +kprobe +kprobe_event +function_graph +function \
		-livepatch -kprobe -kprobe_event -function_graph -function -guard
	check_result "${EXPECTED%$'\n'}" "CMCI storm"
}

setup_tests
require_banks
run_test "kernel.ftrace_enabled=0 is refused while the guard is loaded, which stays live" \
	sysctl_while_loaded
run_test "the guard does not load with kernel.ftrace_enabled=0, and names it" sysctl_before_loading
run_test "set_ftrace_notrace and tracing_on do not concern the guard" tracefs_files
run_test "beside the function tracer, in every order" beside_function
run_test "beside the function_graph tracer, in every order" beside_function_graph
run_test "beside a kprobe, in every order" beside_kprobe
run_test "beside a kprobe event, in every order" beside_kprobe_event
run_test "beside a livepatch of the function, in every order" beside_livepatch
run_test "comes after all of them, goes after all of them" all_before
run_test "comes before all of them, goes after all of them" all_after
ktap_finished
