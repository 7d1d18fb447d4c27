#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The hook beside everybody else who uses ftrace: nobody takes it away, and it takes nothing away
# from them.

source "$(dirname "$0")/functions.sh"

# A line for each error, at whose end is who has seen it; and what the doctor says.
readonly GUARDED="> deferred error: logged as deferred, cleared as corrected, counted"
readonly PROTECTED="> doctor: protected, hooked: yes"
readonly PASSED="> corrected error: logged as corrected, cleared as corrected"

# What they say of their own loading and of the first error is not what these tests are about.
readonly OWN_WORDS="^% (ins|rm)mod test_mce_|^test_mce_livepatch: |^$MODULE: bank "

# kind(status) - sets KIND to the word for it
kind()
{
	case $(($1)) in
	$((DEFERRED)))
		KIND=deferred ;;
	$((CORRECTED)))
		KIND=corrected ;;
	*)
		KIND=$1 ;;
	esac
}

# tell_fate() - sets FATE to how the witnesses have seen the error logged and cleared. A livepatch
# takes the place of the function's body, and of the witness there.
tell_fate()
{
	local line lines logged='' cleared=''

	mapfile -t lines < "$INSTANCE/trace"
	echo > "$INSTANCE/trace"
	for line in "${lines[@]}"; do
		if [[ $line =~ $RECORD ]]; then
			kind "0x${BASH_REMATCH[3]}"
			logged+=", logged as $KIND"
		elif [[ $line =~ $CLEARED ]]; then
			kind "${BASH_REMATCH[3]}"
			cleared+=", cleared as $KIND"
		fi
	done
	if [[ $PRESENT == *" livepatch "* ]]; then
		kind "$(< /sys/module/test_mce_livepatch/parameters/status)"
		cleared+=", cleared as $KIND"
	fi
	FATE=${logged#, }$cleared
}

# try_error() - a deferred error if there is a guard, a corrected one if not: what becomes of it?
try_error()
{
	local status=$CORRECTED counted=0 who seen=

	if [[ $PRESENT == *" guard "* ]]; then
		status=$DEFERRED
		counted=$(< $GUARD_DIR/deferred_guarded)
	fi
	put_error 0 9 "$status"
	wait_for_poll
	forget_errors
	tell_fate
	if [ "$status" = $DEFERRED ]; then
		case $(($(< $GUARD_DIR/deferred_guarded) - counted)) in
		1) FATE+=", counted" ;;
		*) FATE+=", counter $counted and $(< $GUARD_DIR/deferred_guarded)" ;;
		esac
	fi
	for who in ${PRESENT/ guard / }; do
		saw "$who"
		seen+=", seen by $who"
		[ "$SEEN" = 1 ] || seen+=" $SEEN times"
	done
	kind "$status"
	log "> $KIND error: $FATE$seen"
}

# step(+who, -who, !who or doctor) - somebody comes or goes, or comes and must be refused, and what
# becomes of an error then; or what the doctor says now, who takes longer than all of that
step()
{
	case $1 in
	doctor)
		[ -n "$DOCTOR" ] || return 0
		ask_doctor
		log "> doctor: $SAYS"
		return ;;
	+guard) load_guard ;;
	-guard) unload_guard ;;
	+*) arrive "${1#+}" ;;
	-*) leave "${1#-}" ;;
	!*) arrive_in_vain "${1#!}" ;;
	esac
	case $1 in
	+*) PRESENT+="${1#+} " ;;
	-*) PRESENT=${PRESENT/ ${1#-} / } ;;
	esac
	[ "$PRESENT" = " " ] || try_error
}

# steps(step...) - several of them
steps()
{
	local step

	PRESENT=" "
	watch_errors
	for step; do
		step "$step"
	done
}

# check_steps(expected) - check_result, less the doctor's lines if there is none
check_steps()
{
	if [ -n "$DOCTOR" ]; then
		check_result "$1" "$OWN_WORDS"
	else
		check_result "$(grep -v '^> doctor: ' <<< "$1")" "$OWN_WORDS"
	fi
}

# beside(who) - the guard and one other, in every order of arrival and leaving
beside()
{
	steps +guard "+$1" doctor "-$1" -guard \
		+guard "+$1" -guard "-$1" \
		"+$1" +guard doctor "-$1" -guard \
		"+$1" +guard -guard "-$1"
	check_steps "\
% insmod $MODULE
$GUARDING
$GUARDED
% $1 arrives
$GUARDED, seen by $1
$PROTECTED
% $1 leaves
$GUARDED
% rmmod $MODULE
% insmod $MODULE
$GUARDING
$GUARDED
% $1 arrives
$GUARDED, seen by $1
% rmmod $MODULE
$PASSED, seen by $1
% $1 leaves
% $1 arrives
$PASSED, seen by $1
% insmod $MODULE
$GUARDING
$GUARDED, seen by $1
$PROTECTED
% $1 leaves
$GUARDED
% rmmod $MODULE
% $1 arrives
$PASSED, seen by $1
% insmod $MODULE
$GUARDING
$GUARDED, seen by $1
% rmmod $MODULE
$PASSED, seen by $1
% $1 leaves"
}

# excluded(one, other) - two of whom the kernel refuses whoever comes second, beside the guard
excluded()
{
	steps +guard "+$1" "!$2" "-$1" "+$2" "!$1" "-$2" -guard
	check_steps "\
% insmod $MODULE
$GUARDING
$GUARDED
% $1 arrives
$GUARDED, seen by $1
% $2 arrives
> refused
$GUARDED, seen by $1
% $1 leaves
$GUARDED
% $2 arrives
$GUARDED, seen by $2
% $1 arrives
> refused
$GUARDED, seen by $2
% $2 leaves
$GUARDED
% rmmod $MODULE"
}

# A direct caller excludes BPF programs and a livepatch, and is not among them.
readonly ALL=(function function_graph kprobe_event kprobe fprobe fentry fexit livepatch)

# all_arrive(outcome), all_leave(outcome) - of the transcript, those of ALL that this kernel
# has come one by one and, in the same order, go
all_arrive()
{
	local who seen=

	for who in "${OFFERED[@]}"; do
		seen+=", seen by $who"
		printf '%s\n' "% $who arrives" "$1$seen"
	done
}

all_leave()
{
	local who seen

	printf -v seen ', seen by %s' "${OFFERED[@]}"
	for who in "${OFFERED[@]}"; do
		seen=${seen#, seen by "$who"}
		printf '%s\n' "% $who leaves" "$1$seen"
	done
}

after_all()
{
	local seen

	offered "${ALL[@]}"
	printf -v seen ', seen by %s' "${OFFERED[@]}"
	steps "${OFFERED[@]/#/+}" +guard doctor "${OFFERED[@]/#/-}" -guard
	check_steps "\
$(all_arrive "$PASSED")
% insmod $MODULE
$GUARDING
$GUARDED$seen
$PROTECTED
$(all_leave "$GUARDED")
% rmmod $MODULE"
}

before_all()
{
	local seen

	offered "${ALL[@]}"
	printf -v seen ', seen by %s' "${OFFERED[@]}"
	steps +guard "${OFFERED[@]/#/+}" doctor -guard +guard "${OFFERED[@]/#/-}" -guard
	check_steps "\
% insmod $MODULE
$GUARDING
$GUARDED
$(all_arrive "$GUARDED")
$PROTECTED
% rmmod $MODULE
$PASSED$seen
% insmod $MODULE
$GUARDING
$GUARDED$seen
$(all_leave "$GUARDED")
% rmmod $MODULE"
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
find_doctor
run_test "the guard and the function tracer come and go in every order" "beside function"
run_test "the guard and the function_graph tracer come and go in every order" \
	"beside function_graph"
run_test "the guard and a kprobe come and go in every order" "beside kprobe"
run_test "the guard and a kprobe event come and go in every order" "beside kprobe_event"
run_test "the guard and an fprobe come and go in every order" "beside fprobe"
run_test "the guard and a direct caller of ftrace come and go in every order" "beside direct"
run_test "the guard and a BPF program at the entry (fentry) come and go in every order" \
	"beside fentry"
run_test "the guard and a BPF program at the return (fexit) come and go in every order" \
	"beside fexit"
run_test "the guard and a livepatch of the function come and go in every order" "beside livepatch"
run_test "the guard comes after all other users of ftrace and goes after them" after_all
run_test "the guard comes before all other users of ftrace, again after them, and goes last" \
	before_all
run_test "a direct caller and a livepatch exclude each other, and not the guard" \
	"excluded direct livepatch"
run_test "a direct caller and a BPF program exclude each other, and not the guard" \
	"excluded direct fentry"
run_test "the guard leaves a module's function of the same name alone" namesake
ktap_finished
