#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Deferred errors: whatever their bank, CPU and status, amd_clear_bank() is not told that they are
# deferred, the bank is cleared, and everybody else sees the record as it was.

source "$(dirname "$0")/functions.sh"

every_bank()
{
	watch_errors
	load_guard
	inject_everywhere 0 $DEFERRED
	poll
	show_counter
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 0, each bank, status $DEFERRED
$(first_guarded 0 $DEFERRED)
$(each_bank 0 logged: $DEFERRED)
$(each_bank 0 'amd_clear_bank():' "$DEFERRED_SEEN")
> counter: deferred_guarded $BANKS"
}

status_bits()
{
	watch_errors
	load_guard
	inject 0 0 $((DEFERRED | OVER))
	inject 0 1 $((DEFERRED | ADDRV)) 0x1000
	inject 0 2 $((DEFERRED | MISCV)) 0 0x2000
	inject 0 3 $((DEFERRED | POISON))
	inject 0 5 $((DEFERRED | OVER | ADDRV | MISCV | POISON)) "$NOWHERE" 0x3000
	poll
	show_counter
	# Two polls may find them, the second bank first: which one is told of is open.
	one_is_told
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 0 bank 0 status 0xd000100000000000
% inject cpu 0 bank 1 status 0x9400100000000000
% inject cpu 0 bank 2 status 0x9800100000000000
% inject cpu 0 bank 3 status 0x9000180000000000
% inject cpu 0 bank 5 status 0xdc00180000000000
> logged: cpu 0 bank 0 status 0xd000100000000000
> logged: cpu 0 bank 1 status 0x9400100000000000 addr 0x1000
> logged: cpu 0 bank 2 status 0x9800100000000000 misc 0x2000
> logged: cpu 0 bank 3 status 0x9000180000000000
> logged: cpu 0 bank 5 status 0xdc00180000000000 addr $NOWHERE misc 0x3000
> amd_clear_bank(): cpu 0 bank 0 status $(seen 0xd000100000000000)
> amd_clear_bank(): cpu 0 bank 1 status $(seen 0x9400100000000000)
> amd_clear_bank(): cpu 0 bank 2 status $(seen 0x9800100000000000)
> amd_clear_bank(): cpu 0 bank 3 status $(seen 0x9000180000000000)
> amd_clear_bank(): cpu 0 bank 5 status $(seen 0xdc00180000000000)
> counter: deferred_guarded 5" "^$MODULE: bank "
}

one_is_told()
{
	[ -n "$REFERENCE" ] || [ "$(transcript | grep -c "^$MODULE: bank ")" = 1 ] ||
		die "the guard does not tell of one error"
}

again_and_again()
{
	local i

	watch_errors
	load_guard
	for ((i = 0; i < 3; i++)); do
		inject 0 9 $DEFERRED
		poll
	done
	show_counter
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 0 bank 9 status $DEFERRED
$(first_guarded 9 $DEFERRED)
> logged: cpu 0 bank 9 status $DEFERRED
> amd_clear_bank(): cpu 0 bank 9 status $DEFERRED_SEEN
$(for ((i = 1; i < 3; i++)); do
	echo "% inject cpu 0 bank 9 status $DEFERRED"
	echo "> logged: cpu 0 bank 9 status $DEFERRED"
	echo "> amd_clear_bank(): cpu 0 bank 9 status $DEFERRED_SEEN"
done)
> counter: deferred_guarded 3"
}

# Not with an error that could harm: see may_inject.
without_guard()
{
	watch_errors
	inject 0 9 $DEFERRED
	poll
	load_guard
	show_counter
	check_result "\
% inject cpu 0 bank 9 status $DEFERRED
> logged: cpu 0 bank 9 status $DEFERRED
> amd_clear_bank(): cpu 0 bank 9 status $DEFERRED
% insmod amd_mce_guard
$GUARDING
> counter: deferred_guarded 0"
}

setup_tests
require_banks
run_test "a deferred error in each bank is guarded, logged and cleared" every_bank
run_test "a deferred error with OVER, ADDRV, MISCV and POISON is guarded" status_bits
run_test "each of several deferred errors is guarded and counted, the first is logged" \
	again_and_again
run_test "without the guard amd_clear_bank() sees the error as deferred" without_guard
ktap_finished
