#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# procedure.sh JOB SCENARIO...: the mail thread's procedure in variations, in one host VM.
# The runs without the guard are the controls of those with it.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/verdict.sh"

# judged SCENARIO: succeeds if the judgement finds nothing missing
judged()
{
	local missing

	scenario "$1"
	missing=$(
		expect "$DIR/$1/console.log" "^guest: ready on $SMP CPU"
		[ "$GUARD" = yes ] || expect_not "$DIR/$1/console.log" 'amd_mce_guard: '
		[ "$GUARD" != unloaded ] ||
			expect "$DIR/$1/console.log" '^guest: rmmod exit status 0'
		"judge_$FATE" "$DIR/$1"
	)
	[ -z "$missing" ] || { printf '%s\n' "$missing" "see $DIR/$1/console.log"; return 1; }
}

# Those whose kernel is to be had.
ran()
{
	local name guests=()

	for name in "${SCENARIOS[@]}"; do
		scenario "$name"
		(unavailable "$GUEST" > /dev/null) || guests+=("$name")
	done
	run_vm "$DIR" procedure "$AMD_CPU" "GUESTS=$(IFS=,; echo "${guests[*]}")" || {
		tail -n 5 "$DIR/job.log"
		last_words "$DIR"
		return 1
	}
}

readonly DIR="$BUILD/check/$1"
shift
readonly SCENARIOS=("$@")

ktap_print_header
ktap_set_plan $((${#SCENARIOS[@]} + 1))
test_that "each guest ran to its end" ran
for name in "${SCENARIOS[@]}"; do
	scenario "$name"
	test_with "$GUEST" "$(describe "$name")" judged "$name"
done
