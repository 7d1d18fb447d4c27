#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Errors that are not deferred: the guard neither counts nor changes them.

source "$(dirname "$0")/functions.sh"

every_bank()
{
	watch_errors
	load_guard
	inject_everywhere 0 $CORRECTED
	poll
	show_counter
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 0, each bank, status 0x9000000000000000
$(each_bank 0 logged: 0x9000000000000000)
$(each_bank 0 'amd_clear_bank():' 0x9000000000000000)
> counter: deferred_guarded 0"
}

status_bits()
{
	watch_errors
	load_guard
	inject 0 0 $((CORRECTED | OVER))
	inject 0 1 $((CORRECTED | ADDRV)) 0x1000
	inject 0 2 $((CORRECTED | MISCV)) 0 0x2000
	inject 0 3 $((CORRECTED | OVER | ADDRV | MISCV)) 0x3000 0x4000
	poll
	show_counter
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 0 bank 0 status 0xd000000000000000
% inject cpu 0 bank 1 status 0x9400000000000000
% inject cpu 0 bank 2 status 0x9800000000000000
% inject cpu 0 bank 3 status 0xdc00000000000000
> logged: cpu 0 bank 0 status 0xd000000000000000
> logged: cpu 0 bank 1 status 0x9400000000000000 addr 0x1000
> logged: cpu 0 bank 2 status 0x9800000000000000 misc 0x2000
> logged: cpu 0 bank 3 status 0xdc00000000000000 addr 0x3000 misc 0x4000
> amd_clear_bank(): cpu 0 bank 0 status 0xd000000000000000
> amd_clear_bank(): cpu 0 bank 1 status 0x9400000000000000
> amd_clear_bank(): cpu 0 bank 2 status 0x9800000000000000
> amd_clear_bank(): cpu 0 bank 3 status 0xdc00000000000000
> counter: deferred_guarded 0"
}

# storms(detected or subsided) - how often the kernel has said that of bank 1
storms()
{
	since_mark "\$0 == \"CPU0 BANK1 CMCI storm $1\"" | grep -c .
}

# The log is long to read, and there is time.
storm_subsides()
{
	pause 5
	[ "$(storms subsided)" -gt 0 ]
}

# peace() - wait for the end of a storm that other tests may have left, and begin only then
peace()
{
	loop_until peaceful || die "an earlier storm does not end"
	MARK+=", in peace"
	log "$MARK"
}

peaceful()
{
	[[ $(dmesg | grep 'CPU0 BANK1 CMCI storm' | tail -n 1) != *detected ]]
}

# The kernel counts corrected errors by bank; with enough of them in a row it takes to polling for
# itself, until the bank has been quiet for half a minute.
storm()
{
	local injected

	peace
	watch_errors
	load_guard
	log "% inject corrected errors into cpu 0 bank 1 until that is a storm"
	for ((injected = 0; injected < 20; injected++)); do
		[ "$(storms detected)" = 0 ] || break
		./mce_inject 0 error 1 $CORRECTED 0 0
		loop_until records_are $((injected + 1)) || die "error $injected is not logged"
	done
	[ "$(witnessed ' clear_bank: ')" = $injected ] || die "not each error was cleared"
	log "> storms detected: $(storms detected)"
	log "% leave it in peace"
	loop_until storm_subsides || die "the storm does not end"
	log "> storms subsided: $(storms subsided)"
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject corrected errors into cpu 0 bank 1 until that is a storm
> storms detected: 1
% leave it in peace
> storms subsided: 1"
}

# Polling takes it for one that needs no action (UCNA).
uncorrected()
{
	watch_errors
	load_guard
	inject 0 2 $UNCORRECTED
	poll
	show_counter
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 0 bank 2 status $UNCORRECTED
> logged: cpu 0 bank 2 status $UNCORRECTED
> amd_clear_bank(): cpu 0 bank 2 status $UNCORRECTED
> counter: deferred_guarded 0"
}

# Polling leaves it to the handler of the exception that there would be.
corrupt()
{
	watch_errors
	load_guard
	inject 0 2 $CORRUPT
	poll
	show_counter
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 0 bank 2 status $CORRUPT
> bank 2 of cpu 0 still holds its error
> counter: deferred_guarded 0"
}

# Each lets MCi_STATUS be written for moments, by bit 18 of HWCR, and neither takes that from the
# other. QEMU without KVM takes such writes at any time.
two_on_one_cpu()
{
	local hwcr

	hwcr=$(machine hwcr)
	./mce_inject 0 storm 1000000 $CORRECTED > /dev/null &
	STORMS=($!)
	pause 0.2
	./mce_inject 0 storm $((20 * BANKS)) $CORRECTED > /dev/null &
	STORMS+=($!)
	pause 1
	kill "${STORMS[0]}"
	wait "${STORMS[1]}" || die "the storm that goes on cannot inject any more"
	wait "${STORMS[0]}"
	[ "$(machine hwcr)" = "$hwcr" ] || die "HWCR was $hwcr and is $(machine hwcr)"
}

setup_tests
require_banks
run_test "a corrected error in each bank goes by as it is" every_bank
run_test "a corrected error with OVER, ADDRV and MISCV goes by as it is" status_bits
run_test "a storm of corrected errors begins and ends" storm
run_test "an uncorrected error that needs no action goes by as it is" uncorrected
run_test "an error for the machine check handler stays in its bank" corrupt
run_test "ending one of two storms on a CPU leaves the other going and HWCR as it was" \
	two_on_one_cpu
ktap_finished
