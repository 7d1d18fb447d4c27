#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Storms of errors on all CPUs: none is lost, and the guard can come and go meanwhile.

source "$(dirname "$0")/functions.sh"

# The kernel has room for 80 records or more that have not been logged yet, and drops what does not
# fit. So a storm comes in bursts of 40.
readonly BURSTS=6

# burst(status) - put errors into the banks of each CPU as fast as they are cleared
burst()
{
	local cpu

	for ((cpu = 0; cpu < CPUS; cpu++)); do
		taskset -c $cpu ./mce_inject $cpu storm $BURST "$1" >> "$INJECTED" &
	done
	wait
}

bursts()
{
	local i

	trap 'kill $(jobs -p) 2> /dev/null; wait; exit 1' TERM
	for ((i = 1; i <= BURSTS; i++)); do
		burst "$1"
		loop_until records_are $((i * BURST * CPUS)) || break
	done
}

# start_storm(status) - bursts of errors, in the background
start_storm()
{
	may_inject "$1"
	log "% storm: $STORM errors on each CPU, status $1"
	INJECTED=$(mktemp)
	bursts "$1" &
	STORMS=($!)
}

storm_rages()
{
	kill -0 "${STORMS[@]}" 2> /dev/null
}

# end_storm() - wait for the last error to be logged, and sum up
end_storm()
{
	local injected

	wait "${STORMS[@]}"
	injected=$(awk '{ sum += $1 } END { print sum + 0 }' "$INJECTED")
	rm "$INJECTED"
	loop_until records_are "$injected"
	log "> injected $injected, logged $(witnessed ' mce_record: '), cleared $(
		witnessed ' clear_bank: ')"
}

# passed(status) - errors that amd_clear_bank() was handed with this status
passed()
{
	witnessed " clear_bank: .* status=$1\$"
}

guarded_storm()
{
	local all=$((CPUS * STORM))

	watch_errors
	load_guard
	start_storm $DEFERRED
	end_storm
	log "> guarded: $(passed "$DEFERRED_SEEN")"
	show_counter
	check_result "\
% insmod amd_mce_guard
$GUARDING
% storm: $STORM errors on each CPU, status $DEFERRED
> injected $all, logged $all, cleared $all
> guarded: $all
> counter: deferred_guarded $all" "^$MODULE: bank "
}

# polled_since(count) - an error has been cleared since there were that many, or none will be
polled_since()
{
	[ "$(witnessed ' clear_bank: ')" -gt "$1" ] || ! storm_rages
}

# come_and_go() - load and unload the guard as long as there is a storm, with a moment between. The
# first time it is away until there has been a poll.
come_and_go()
{
	log "% load and unload"
	while storm_rages; do
		insmod_guard || die "cannot load $MODULE"
		pause 0.2
		rmmod $MODULE || die "cannot unload $MODULE"
		[ "$LOADS" -gt 0 ] || loop_until polled_since "$(witnessed ' clear_bank: ')"
		pause 0.2
		LOADS=$((LOADS + 1))
	done
	[ "$LOADS" -gt 1 ] || die "the storm was over after $LOADS loads"
}

# Without the guard for moments: not where one of these moments could be the last.
deferred_come_and_go()
{
	local all=$((CPUS * STORM)) with without

	watch_errors
	start_storm $DEFERRED
	come_and_go
	end_storm
	with=$(passed "$DEFERRED_SEEN")
	without=$(passed $DEFERRED)
	((with > 0 && without > 0)) || die "guarded $with, passed $without"
	log "> guarded or passed: $((with + without))"
	show_hook
	check_result "\
% storm: $STORM errors on each CPU, status $DEFERRED
% load and unload
> injected $all, logged $all, cleared $all
> guarded or passed: $all
> hooks at amd_clear_bank(): 0
> files:" "^$MODULE: "
}

corrected_come_and_go()
{
	local all=$((CPUS * STORM))

	watch_errors
	start_storm $CORRECTED
	come_and_go
	end_storm
	log "> as they were: $(passed $CORRECTED)"
	check_result "\
% storm: $STORM errors on each CPU, status $CORRECTED
% load and unload
> injected $all, logged $all, cleared $all
> as they were: $all" "^$MODULE: "
}

setup_tests
require_guard
require_banks
CPUS=$(grep -c ^processor /proc/cpuinfo)
BURST=$((CPUS < 40 ? 40 / CPUS : 1))
STORM=$((BURSTS * BURST))
LOADS=0
run_test "a storm of deferred errors on all CPUs: injected = logged = guarded" guarded_storm
run_test "the guard comes and goes in a storm of deferred errors: injected = guarded + passed" \
	deferred_come_and_go
run_test "the guard comes and goes in a storm of corrected errors and touches none" \
	corrected_come_and_go
ktap_finished
