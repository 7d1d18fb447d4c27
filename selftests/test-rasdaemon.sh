#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rasdaemon, where it runs, hears of guarded errors as it does of others.

source "$(dirname "$0")/functions.sh"

# recorded() - the errors in rasdaemon's database: status, address, what that says, bank
recorded()
{
	ras-mc-ctl --errors | sed -n '/^MCE events:/,/^$/p' |
		awk -F ', ' '/^[0-9]+ / {
			line = ""
			for (i = 1; i <= NF; i++)
				if ($i ~ /^(status|addr|misc|bank)=/)
					line = line " " $i
			print line
		}'
}

recorded_are()
{
	[ "$(recorded | wc -l)" -ge "$1" ]
}

database()
{
	local before line

	before=$(recorded | wc -l)
	watch_errors
	load_guard
	inject 0 3 $DEFERRED
	inject 0 9 $AO "$NOWHERE" 0x8c
	poll
	loop_until recorded_are $((before + 2))
	while read -r line; do
		log "> recorded: $line"
	done < <(recorded | tail -n +$((before + 1)))
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 0 bank 3 status $DEFERRED
% inject cpu 0 bank 9 status $AO
> logged: cpu 0 bank 3 status $DEFERRED
> logged: cpu 0 bank 9 status $AO addr $NOWHERE misc 0x8c
> amd_clear_bank(): cpu 0 bank 3 status $DEFERRED_SEEN
> amd_clear_bank(): cpu 0 bank 9 status $AO_SEEN
> recorded: status=$DEFERRED bank=0x00000003
> recorded: status=$AO addr=$NOWHERE misc=0x0000008c bank=0x00000009" "^$MODULE: bank "
}

setup_tests
require_banks
pidof rasdaemon > /dev/null || skip_all "rasdaemon is not running"
command -v ras-mc-ctl > /dev/null || skip_all "ras-mc-ctl is not installed"
run_test "rasdaemon records guarded errors with bank, status and address" database
ktap_finished
