#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086,SC2153 # for the tests and from other files; none has a space
# The guard and others come and go, step by step, and each time an error tells what they do to it
# and to each other.

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
