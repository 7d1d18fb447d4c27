#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading where somebody has overwritten the entry of amd_clear_bank(), on which ftrace fails.

source /repo/selftests/vm/in-host-vm/ktap.sh

readonly DOCTOR=/repo/build/doctor/amd-mce-guard-doctor

refused()
{
	insmod "$OUT/overwrite/test_mce_overwrite.ko" && load_fails_with 'not supported' "$KO"
}

not_protected()
{
	local output

	output=$($DOCTOR) && { echo "$output"; return 1; }
	! grep -E '^status: +protected' <<< "$output"
}

# Also not for a moment before it looked.
never_said()
{
	! dmesg | grep 'amd_mce_guard: guarding'
}

ktap_print_header
ktap_set_plan 5
test_that "the guard does not load if the entry of amd_clear_bank() is overwritten" refused
test_that "the guard says that ftrace has failed" \
	log_says "amd_mce_guard: NOT GUARDING: ftrace has \
disabled itself after an internal error; reboot this machine"
test_that "the guard has not said that it guards" never_said
test_that "the doctor does not say that the machine is protected" not_protected
test_that "loading is refused once more" load_fails_with 'not supported' "$KO"
