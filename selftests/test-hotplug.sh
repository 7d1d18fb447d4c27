#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# CPUs that come and go, and errors on all of them.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/functions.sh"

every_cpu()
{
	local cpu cpus

	cpus=$(grep -c ^processor /proc/cpuinfo)
	watch_errors
	load_guard
	for ((cpu = 0; cpu < cpus; cpu++)); do
		inject_everywhere $cpu $DEFERRED
	done
	poll
	show_counters
	check_result "\
% insmod amd_mce_guard
$GUARDING
$(for ((cpu = 0; cpu < cpus; cpu++)); do
	echo "% inject cpu $cpu, each bank, status $DEFERRED"
done)
$(for ((cpu = 0; cpu < cpus; cpu++)); do each_bank $cpu logged: $DEFERRED; done)
$(for ((cpu = 0; cpu < cpus; cpu++)); do each_bank $cpu 'amd_clear_bank():' $DEFERRED_SEEN; done)
> counters: banks_cleared $((cpus * BANKS)), deferred_guarded $((cpus * BANKS))" "^$MODULE: first"
}

# The kernel looks through the banks of a CPU that comes online.
pending_error()
{
	[ "$CPU1_ONLINE" = 1 ] || skip "there is no CPU 1 that can be taken offline"
	watch_errors
	load_guard
	poll_every 600
	inject 1 3 $DEFERRED
	log "% cpu 1 offline"
	echo 0 > $CPU1/online || die "cpu 1 stays online"
	log "% cpu 1 online"
	echo 1 > $CPU1/online || die "cpu 1 stays offline"
	poll_every 1
	poll
	show_counters
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 1 bank 3 status $DEFERRED
% cpu 1 offline
% cpu 1 online
$(first 3 $DEFERRED)
> logged: cpu 1 bank 3 status $DEFERRED
> amd_clear_bank(): cpu 1 bank 3 status $DEFERRED_SEEN
> counters: banks_cleared 1, deferred_guarded 1"
}

after_hotplug()
{
	[ "$CPU1_ONLINE" = 1 ] || skip "there is no CPU 1 that can be taken offline"
	watch_errors
	log "% cpu 1 offline"
	echo 0 > $CPU1/online || die "cpu 1 stays online"
	load_guard
	log "% cpu 1 online"
	echo 1 > $CPU1/online || die "cpu 1 stays offline"
	inject 1 3 $DEFERRED
	poll
	check_result "\
% cpu 1 offline
% insmod amd_mce_guard
$GUARDING
% cpu 1 online
% inject cpu 1 bank 3 status $DEFERRED
$(first 3 $DEFERRED)
> logged: cpu 1 bank 3 status $DEFERRED
> amd_clear_bank(): cpu 1 bank 3 status $DEFERRED_SEEN"
}

setup_tests
require_banks
run_test "deferred errors in each bank of each CPU at once are all guarded" every_cpu
run_test "an error that a CPU has pending when it comes online is guarded" pending_error
run_test "a CPU that comes online after loading is guarded" after_hotplug
ktap_finished
