#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086 # constants go both ways; none has a space
# Verbs for the tests: what the witnesses of watch.sh and others tell. Without processes: starting
# one takes a kernel that looks for mistakes longer than reading what they tell.

# The witnesses' words: CPU, bank, status, and of a record also address and MCi_MISC
readonly RECORD=' mce_record: CPU: ([0-9]+),.* MC([0-9]+): ([0-9a-f]+), .*ADDR: 0*([0-9a-f]+), '\
'MISC: 0*([0-9a-f]+),'
readonly CLEARED=' \[0*([0-9]+)\] .* clear_bank: .*bank=([0-9]+) status=(0x[0-9a-f]+)'

# count_lines(text, file) - sets COUNT to how many have it
count_lines()
{
	local line lines

	mapfile -t lines < "$2"
	COUNT=0
	for line in "${lines[@]}"; do
		[[ $line != *"$1"* ]] || COUNT=$((COUNT + 1))
	done
}

# tell_errors() - what the witnesses have seen since they were last asked, by CPU and bank
tell_errors()
{
	local line lines told=() record=0 cleared=$((1 << 40))

	mapfile -t lines < $INSTANCE/trace
	for line in "${lines[@]}"; do
		if [[ $line =~ $RECORD ]]; then
			tell_record "${BASH_REMATCH[@]:1}"
		elif [[ $line =~ $CLEARED ]]; then
			tell $cleared "amd_clear_bank():" "${BASH_REMATCH[@]:1}"
		fi
	done
	for line in "${told[@]}"; do
		log "$line"
	done
	echo > $INSTANCE/trace
}

# tell_record(cpu, bank, status, address, misc) - the latter two only if the status says that they
# are valid (bits 58 and 59)
tell_record()
{
	local status=0x$3 valid=

	((!(status & ADDRV))) || valid+=" addr 0x$4"
	((!(status & MISCV))) || valid+=" misc 0x$5"
	tell $record logged: $1 $2 "$status$valid"
}

# tell(rank, witness, cpu, bank, status) - put a line into its place of what tell_errors() tells
tell()
{
	told[$1 + ($3 << 24) + ($4 << 16) + ${#told[@]}]="> $2 cpu $3 bank $4 status $5"
}
