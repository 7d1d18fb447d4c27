#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# campaign.sh [N SEED INDEX DIR]: N random errors into a guarded VM of TCG, where a deferred error
# without the guard does no harm, and some into a guest on KVM, which it would panic, and does
# at last.

source "$(dirname "$0")/../lib/suite.sh"

readonly N=${1:-2000} SEED=${2:-1} INDEX=${3:-0} DIR=${4:-$BUILD/check/campaign}

# Nested virtualization takes a hundred times as long.
NESTED=$((N < 160 ? N : 160))
readonly NESTED

# Little memory is short sooner.
lives()
{
	run_vm "$DIR/machine" campaign "$AMD_CPU" "SEED=$SEED" "COUNT=$N" "FIRST=$INDEX" mem=288M ||
		{ tail -n 5 "$DIR/machine/"{job.log,kmsg}; last_words "$DIR/machine"; return 1; }
}

# said DIR PATTERN: in the last line of a campaign
said()
{
	cat "$DIR/$1/result"
	grep -qE "$2" "$DIR/$1/result"
}

# What unloading polls nobody can read the count of: it is what was left in the banks.
each_counted()
{
	local result

	result=$(< "$DIR/machine/result")
	echo "$result"
	[[ $result =~ deferred\ ([0-9]+)\ =\ counted\ ([0-9]+)\ [^0-9]*\ ([0-9]+)\; ]] &&
		[ "${BASH_REMATCH[1]}" -gt 0 ] &&
		[ "${BASH_REMATCH[1]}" = $((BASH_REMATCH[2] + BASH_REMATCH[3])) ]
}

guest_lives()
{
	run_vm "$DIR/host" campaign-nested "$AMD_CPU" "SEED=$SEED" "COUNT=$NESTED" "FIRST=$INDEX" ||
		{ tail -n 5 "$DIR/host/job.log"; last_words "$DIR/host"; return 1; }
	said host/nested "injected $NESTED = logged $NESTED; .* lost 0, splats 0$"
}

guest_panics()
{
	local log=$DIR/host/nested/console.log

	grep -F 'mce: MSR access error: WRMSR to 0xc0002098' "$log" &&
		grep -F ' amd_clear_bank+0x' "$log" &&
		grep -F 'Kernel panic - not syncing: MCA architectural violation!' "$log"
}

# By its trap, and nobody is left.
ended()
{
	cat "$DIR/machine/ended"
	[ "$(< "$DIR/machine/ended")" = "exit status 130" ]
}

mkdir -p "$DIR"
ktap_print_header
ktap_set_plan 7
test_that "a guarded machine lives through $N random errors while all around it changes" lives
test_that "a campaign that is ended leaves no injector, guard or trace instance" ended
test_that "injected = logged, to the bit" said machine "injected $N = logged $N;"
test_that "each deferred error was counted, or polled by unloading" each_counted
test_that "no splat, no record lost" said machine "lost 0, splats 0$"
test_that "a guest that a deferred error would panic lives through $NESTED of them" guest_lives
test_that "without the guard, one more panics it" guest_panics
