#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The doctor on a kernel that runs, Debian's fixed one: what root is told, and what others are.

# shellcheck source-path=SCRIPTDIR
source /repo/selftests/vm/jobs/ktap.sh

# says STATUS PATTERN COMMAND...: the doctor's exit status, and a line of it
says()
{
	local output status=0

	output=$("${@:3}") || status=$?
	printf '%s\n' "$output"
	[ $status -eq "$1" ] && grep -qE "$2" <<< "$output"
}

readonly DOCTOR=/repo/rust/doctor/doctor.sh
readonly NOBODY=(setpriv --reuid 65534 --clear-groups)

loaded()
{
	insmod "$KO" && says 0 '^status: +protected' $DOCTOR && says 0 '^hooked: +yes' $DOCTOR
}

unloaded()
{
	rmmod amd_mce_guard && says 0 '^status: +not affected' $DOCTOR
}

ktap_print_header
ktap_set_plan 5
test_that "root is told what the running kernel does" says 0 '^check: +checks' $DOCTOR
test_that "others are not, where there is no image" says 2 'name it with --image' \
	"${NOBODY[@]}" $DOCTOR
test_that "with the guard, it is protected" loaded
test_that "others see that, too" says 0 '^status: +protected' "${NOBODY[@]}" $DOCTOR
test_that "without, it is not affected again" unloaded
