#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# N random errors, 100000 unless told, into a guarded machine while all around it changes. SEED and
# the index of an error make it, and what happens meanwhile; INDEX is where to begin. The results
# are in build/campaign; machine/progress there grows by a line for each step.

source "$(dirname "$0")/setup.sh"

readonly DIR="$BUILD/campaign"

progress()
{
	tail -n 1 "$DIR/machine/progress"
}

# watch_campaign PID: on a terminal a line moves; elsewhere there is one every minute
watch_campaign()
{
	local i

	[ ! -t 1 ] || start_ticker "campaign" progress
	for ((i = 1; ; i++)); do
		sleep 1
		kill -0 "$1" 2> /dev/null || break
		[ -t 1 ] || ((i % 60)) || progress 2> /dev/null
	done
	stop_ticker
	wait "$1"
}

N=${N:-100000} SEED=${SEED:-$RANDOM$RANDOM} INDEX=${INDEX:-0}
readonly N SEED INDEX
for number in "$N" "$SEED" "$INDEX"; do
	[[ $number =~ ^(0|[1-9][0-9]*)$ ]] || die "N, SEED and INDEX are numbers, $number is not"
done

setup test
rm -rf "$DIR"
mkdir -p "$DIR"
# A day: nothing is judged by how long it takes.
VM_TIMEOUT=86400 "$TOP/selftests/vm/on-machine/campaign.sh" "$N" "$SEED" "$INDEX" "$DIR" \
	> "$DIR/ktap" &
watch_campaign $!
cat "$DIR/ktap" "$DIR/machine/result"
say "to replay it: make campaign N=$N SEED=$SEED INDEX=$INDEX;" \
	"to replay one error: the same with N=1 and its index"
[ "$(grep -c '^ok ' "$DIR/ktap")" = "$(sed -n 's/^1\.\.//p' "$DIR/ktap")" ]
