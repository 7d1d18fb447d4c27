#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The hook beside everybody else who uses ftrace: nobody takes it away, and it takes nothing away
# from them.

source "$(dirname "$0")/functions.sh"

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
	+guard) load_guard ;;
	-guard) unload_guard ;;
	+*) arrive "${1#+}" ;;
	-*) leave "${1#-}" ;;
	esac
	come_or_go "$1"
	[ "$PRESENT" = " " ] || try_error
}

# come_or_go(+who or -who) - keep PRESENT
come_or_go()
{
	if [[ $1 == +* ]]; then
		PRESENT+="${1#+} "
	else
		PRESENT=${PRESENT/ ${1#-} / }
	fi
}

# steps(+who or -who...) - several of them, with the transcript that there must be
steps()
{
	local step

	PRESENT=" "
	watch_errors
	for step; do
		step "$step"
	done
	check_result "$(expected_steps "$@")"
}

expected_steps()
{
	local step told

	PRESENT=" "
	for step; do
		come_or_go "$step"
		[ "$step" != +guard ] || told=
		expected_step "$step" "$told"
		[[ $PRESENT != *" guard "* ]] || told=yes
	done
}

# expected_step(+who or -who, told) - told: the guard has said of an error already
expected_step()
{
	local status=$CORRECTED who

	case $1 in
	+guard) printf '%s\n' "% insmod $MODULE" "$GUARDING" ;;
	-guard) echo "% rmmod $MODULE" ;;
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
	steps +guard "+$1" "-$1" -guard \
		+guard "+$1" -guard "-$1" \
		"+$1" +guard "-$1" -guard \
		"+$1" +guard -guard "-$1"
}

all_before()
{
	steps +function +function_graph +kprobe_event +kprobe +livepatch +guard \
		-function -function_graph -kprobe_event -kprobe -livepatch -guard
}

all_after()
{
	steps +guard +livepatch +kprobe +kprobe_event +function_graph +function \
		-livepatch -kprobe -kprobe_event -function_graph -function -guard
}

# It is called as it goes.
namesake()
{
	load_mod test_mce_namesake
	load_guard
	unload_mod test_mce_namesake
	show_counter
	check_result "\
% insmod test_mce_namesake
% insmod $MODULE
$GUARDING
% rmmod test_mce_namesake
test_mce_namesake: bank 9 status $DEFERRED
> counter: deferred_guarded 0"
}

setup_tests
require_guard
require_banks
run_test "beside the function tracer, in every order" "beside function"
run_test "beside the function_graph tracer, in every order" "beside function_graph"
run_test "beside a kprobe, in every order" "beside kprobe"
run_test "beside a kprobe event, in every order" "beside kprobe_event"
run_test "beside a livepatch of the function, in every order" "beside livepatch"
run_test "comes after all of them, goes after all of them" all_before
run_test "comes before all of them, goes after all of them" all_after
run_test "leaves a module's function of the same name alone" namesake
ktap_finished
