#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# CPUs that come and go, and errors on all of them.

source "$(dirname "$0")/functions.sh"

# At once, as far as the kernel has room for records that have not been logged yet: it has for 80.
every_cpu()
{
	local cpu cpus first last witness expected=''

	cpus=$(grep -c ^processor /proc/cpuinfo)
	watch_errors
	load_guard
	for ((first = 0; first < cpus; first = last)); do
		last=$((first + 80 / BANKS < cpus ? first + 80 / BANKS : cpus))
		for ((cpu = first; cpu < last; cpu++)); do
			inject_everywhere $cpu $DEFERRED
			expected+="% inject cpu $cpu, each bank, status $DEFERRED"$'\n'
		done
		poll
		for witness in logged: 'amd_clear_bank():'; do
			expected+=$(each_bank_of $first $last "$witness")$'\n'
		done
	done
	show_counter
	check_result "\
% insmod amd_mce_guard
$GUARDING
$expected> counter: deferred_guarded $((cpus * BANKS))" \
		"^$MODULE: bank "
}

# each_bank_of(first, last, witness)
each_bank_of()
{
	local cpu status=$DEFERRED

	[ "$3" = logged: ] || status=$DEFERRED_SEEN
	for ((cpu = $1; cpu < $2; cpu++)); do
		each_bank $cpu "$3" "$status"
	done
}

# The kernel looks through the banks of a CPU that comes online.
pending_error()
{
	[ "$CPU1_ONLINE" = 1 ] || skip "there is no CPU 1 that can be taken offline"
	[ "$(family)" -ge 17 ] || skip "the kernel does not log what such a CPU has pending"
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
	show_counter
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 1 bank 3 status $DEFERRED
% cpu 1 offline
% cpu 1 online
$(first_guarded 3 $DEFERRED)
> logged: cpu 1 bank 3 status $DEFERRED
> amd_clear_bank(): cpu 1 bank 3 status $DEFERRED_SEEN
> counter: deferred_guarded 1"
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
$(first_guarded 3 $DEFERRED)
> logged: cpu 1 bank 3 status $DEFERRED
> amd_clear_bank(): cpu 1 bank 3 status $DEFERRED_SEEN"
}

setup_tests
require_banks
run_test "deferred errors in each bank of each CPU at once are all guarded" every_cpu
run_test "an error that a CPU has pending when it comes online is guarded" pending_error
run_test "a CPU that comes online after loading is guarded" after_hotplug
ktap_finished
