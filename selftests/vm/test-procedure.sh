#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The mail thread's procedure; the run without the guard is the control of the one with it.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"
source "$TOP/selftests/vm/verdict.sh"

readonly DIR="$BUILD/check/procedure"

# judged JUDGEMENT GUEST: succeeds if the judgement finds nothing missing
judged()
{
	local missing

	missing=$("judge_$1" "$DIR/$2")
	[ -z "$missing" ] || { printf '%s\n' "$missing" "see $DIR/$2/console.log"; return 1; }
}

ran()
{
	run_vm "$DIR" procedure "$AMD_CPU" GUESTS=unguarded,guarded || {
		cat "$DIR/job.log" "$DIR/qemu.log"
		return 1
	}
}

ktap_print_header
ktap_set_plan 3
test_that "both guests ran to their end" ran
test_that "without the guard the guest panics as in the thread" judged panic unguarded
test_that "with the guard the process gets SIGBUS BUS_MCEERR_AO at its page" judged survival guarded
