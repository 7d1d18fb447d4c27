#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Threshold counters, which the kernel resets whenever it clears a bank: no hypervisor has them, so
# CPU 1 is made to look as if its bank had one.

source "$(dirname "$0")/functions.sh"

# MCi_MISC of such a bank: counter valid and present, counting, overflown, at five.
readonly PRESENT=0xc000000000000000 COUNTING=0xc008000000000000 OVERFLOWN=0xc009000500000000

# set_misc(misc) - what bank 3 of CPU 1 has in MCi_MISC when that CPU comes online
set_misc()
{
	./mce_inject 1 error 3 0 0 "$1"
	echo 0 > $CPU1/online && echo 1 > $CPU1/online
}

show_misc()
{
	log "> bank 3 of cpu 1 has MCi_MISC $(./mce_inject 1 misc 3)"
}

# reset(status, seen) - bank 3 of CPU 1 overflows with this error
reset()
{
	local seen=$2 deferred=0

	[ "$CPU1_ONLINE" = 1 ] || skip "there is no CPU 1 that can be taken offline"
	[ "$seen" = "$1" ] || deferred=1
	watch_errors
	load_guard
	trap 'forget_errors; set_misc 0' EXIT
	set_misc $PRESENT
	[ "$(./mce_inject 1 misc 3)" = $COUNTING ] || skip "the kernel keeps no threshold here"
	# With the error in the bank a poll could come before a look at it.
	./mce_inject 1 error 3 0 0 $OVERFLOWN
	show_misc
	inject 1 3 "$1" 0 $OVERFLOWN
	poll
	show_misc
	show_counter
	check_result "\
% insmod amd_mce_guard
$GUARDING
> bank 3 of cpu 1 has MCi_MISC $OVERFLOWN
% inject cpu 1 bank 3 status $1
> logged: cpu 1 bank 3 status $1
> amd_clear_bank(): cpu 1 bank 3 status $seen
> bank 3 of cpu 1 has MCi_MISC $COUNTING
> counter: deferred_guarded $deferred" "^$MODULE: bank "
}

setup_tests
require_banks
run_test "the threshold of a bank with a corrected error is reset" "reset $CORRECTED $CORRECTED"
run_test "the threshold of a bank with a deferred error is reset" "reset $DEFERRED $DEFERRED_SEEN"
ktap_finished
