#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086
# Shell functions for the tests: what a test is, and how it begins and ends.
#
# A test is a function of verbs. Each verb writes what it does and what it sees to the kernel log,
# where the kernel's own messages fall in between, and check_result() compares that transcript with
# the one that the test expects, to the letter.

readonly MODULE=amd_mce_guard
readonly TRACING=/sys/kernel/tracing
readonly GUARD_DIR=/sys/kernel/debug/$MODULE
readonly FTRACE_ENABLED=/proc/sys/kernel/ftrace_enabled
readonly PATIENCE=60	# seconds, and a hundred tries at least; only a failure takes so long

# Runs without the guard, to show what the kernel does by itself; only where that cannot hurt.
readonly REFERENCE=${AMD_MCE_GUARD_REFERENCE:-}

# What never can be read from, to wait with: to start a program takes long on an emulated CPU.
exec {NOTHING}<> <(:)

export LC_ALL=C
cd "$(dirname "$0")" || exit
# shellcheck source=/dev/null
source ../kselftest/ktap_helpers.sh || exit
source ./lib/splats.sh
source ./lib/status.sh
source ./lib/transcript.sh
source ./lib/machine.sh
source ./lib/modules.sh
source ./lib/livepatch.sh
source ./lib/mce.sh
source ./lib/others.sh
source ./lib/victim.sh
source ./lib/watch.sh
source ./lib/tell.sh

# log(text) - write text to the kernel log, for the transcript
log()
{
	echo "$1" > /dev/kmsg
}

# die(reason), skip(reason) - end this test
die()
{
	echo "$*"
	exit "$KSFT_FAIL"
}

skip()
{
	echo "$*"
	exit "$KSFT_SKIP"
}

# skip_all(reason) - end the script before its first test
skip_all()
{
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

# pause(seconds) - wait, in a process of its own: a trap that ends bash while it reads with a time
# limit leaves that limit's alarm behind, and bash crashes in the midst of cleaning up
pause()
{
	(read -rt "$1" -u $NOTHING)
}

# loop_until(command...) - run a command until it succeeds, within PATIENCE. In a trap, a return
# without a value would be that of whatever came before the trap.
loop_until()
{
	local i deadline=$((SECONDS + PATIENCE))

	for ((i = 0; i < 100 || SECONDS < deadline; i++)); do
		"$@" && return 0
		pause 0.1
	done
	return 1
}

# run_test(description, command) - run a test and clean up after it; report it as KTAP
run_test()
{
	local output splat status

	[ "$KTAP_TESTNO" -gt 1 ] || ktap_set_plan "$(grep -c '^run_test ' "${0##*/}")"
	MARK="$MODULE test $KTAP_TESTNO of $0, $EPOCHREALTIME"
	log "$MARK"
	output=$(trap 'forget_errors; end_victim' EXIT && $2 2>&1)
	status=$?
	clean_up
	splat=$(splat)
	if [ -n "$splat" ]; then
		output+=$splat status=$KSFT_FAIL
	fi
	case $status in
	0)
		ktap_test_pass "$1" ;;
	"$KSFT_SKIP")
		echo "# SKIP: $output"
		ktap_test_skip "$1" ;;
	*)
		printf '%s\n' "${output:-exit status $status}" | sed 's/^/# /'
		ktap_test_fail "$1" ;;
	esac
}

# setup_tests() - begin a script of tests: check what all of them need, remember what they change
setup_tests()
{
	ktap_print_header
	[ "$(id -u)" -eq 0 ] || skip_all "must be run as root"
	[ -r $TRACING/enabled_functions ] || skip_all "no tracefs with function tracing on $TRACING"
	grep -q ' /sys/kernel/debug debugfs ' /proc/mounts ||
		skip_all "no debugfs on /sys/kernel/debug"
	[ -n "$REFERENCE" ] || [ -f $MODULE.ko ] || modinfo $MODULE > /dev/null 2>&1 ||
		skip_all "no module $MODULE, neither here nor below /lib/modules"

	WAS_LOADED=
	[ ! -d /sys/module/$MODULE ] || WAS_LOADED=yes
	[ -c /dev/cpu/0/msr ] || modprobe -q msr
	HYPERVISOR=$(machine hypervisor 2> /dev/null)
	require_word
	FTRACE_WAS=$(cat $FTRACE_ENABLED)
	save_mce_config
	trap restore EXIT
	trap 'exit 130' INT TERM HUP
	clean_up
}

# clean_up() - what a test may have left behind, in the middle of whatever it was doing
clean_up()
{
	cpus_online
	stop_tracing
	others_leave
	# If ftrace is off, taking a hook back does not work, either.
	[ "$(< $FTRACE_ENABLED)" = 1 ] || echo 1 > $FTRACE_ENABLED
	unload $MODULE
}

restore()
{
	clean_up
	restore_mce_config
	[ "$FTRACE_WAS" = 1 ] || echo "$FTRACE_WAS" > $FTRACE_ENABLED
	[ -z "$WAS_LOADED" ] || load_again
}

# load_again() - the guard that has been there before the tests: the installed one, or that of the
# tests if there is no other
load_again()
{
	modprobe $MODULE 2> /dev/null || insmod_guard || {
		echo "# $MODULE was loaded before and does not load again: nothing guards"
		exit 1
	}
}
