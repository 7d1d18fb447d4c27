#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2086,SC2153 # constants from functions.sh; none has a space
# campaign.sh SEED COUNT [INDEX]: COUNT random errors, the first of which has that INDEX, put into
# the banks of a machine on which modules load and unload, CPUs go off and on, tracers come and go
# and memory is short. Each error is made from the seed and its index (mce_random), and so is who
# disturbs meanwhile: a step of STEP errors has one disturbance, a round of steps has each of them
# once, in random order. Those who trace or patch come in even rounds and go in odd ones.
#
# While the guard is away, errors are corrected ones, whatever the seed says. The guard is away
# in the step "guard" alone, where this script does one thing after the other. Right before, and
# while a CPU is off, they are all deferred ones.
#
# Writes to CAMPAIGN (a directory): progress, a line for each step; kmsg, the kernel log less what
# it says of errors; and result, the counts.

source "$(dirname "$0")/functions.sh"

readonly SEED=$1 COUNT=$2 FIRST=${3:-0}
readonly STEP=80
readonly RESULTS=${CAMPAIGN:-.}
readonly RING=$TRACING/instances/${MODULE}_campaign
readonly OTHERS=(function function_graph kprobe_event kprobe fprobe direct fentry fexit livepatch)

DISTURBANCES=(modules cpu memory guard)
INJECTOR=
INJECTED=0 DEFERRED_SUM=0 LOGGED=0 WRONG=0 COUNTED=0 SWEPT=0 REFUSED=0
HERE=" "

stop()
{
	echo "$*" | tee -a "$RESULTS/progress"
	exit 1
}

# counter() - sets COUNTER to what the guard has counted since it was loaded
counter()
{
	COUNTER=$(< $GUARD_DIR/deferred_guarded)
}

# sum_up(line) - add what mce_random has said at its end
sum_up()
{
	local injected deferred logged wrong

	[[ $1 =~ ^injected\ ([0-9]+)\ deferred\ ([0-9]+)\ logged\ ([0-9]+)\ wrong\ ([0-9]+)$ ]] ||
		stop "mce_random has ended in: $1"
	read -r injected deferred logged wrong <<< "${BASH_REMATCH[*]:1}"
	INJECTED=$((INJECTED + injected))
	DEFERRED_SUM=$((DEFERRED_SUM + deferred))
	LOGGED=$((LOGGED + logged))
	WRONG=$((WRONG + wrong))
	[[ $injected = "$logged" && $wrong = 0 ]] || stop "see $RESULTS/errors"
}

# inject_all(first, count[, corrected]) - deferred errors, too, if there is the guard
inject_all()
{
	[ $2 -gt 0 ] || return 0
	[ "${3:-}" = corrected ] || guarded || stop "no guard, no deferred errors"
	./mce_random $SEED run $1 $2 $RING "$HISTORY" ${3:-} >> "$RESULTS/errors" 2>&1
	sum_up "$(tail -n 1 "$RESULTS/errors")"
}

# plan(round) - sets PLAN to the disturbances of a round, in their order
plan()
{
	local i

	PLAN=()
	for i in $(./mce_random $SEED order $1 ${#EACH[@]}); do
		PLAN+=("${EACH[i]}")
	done
}

# excluded(who) - the kernel refuses them beside somebody who is there
excluded()
{
	case $1 in
	direct)
		[[ $HERE =~ " "(livepatch|fentry|fexit)" " ]] ;;
	livepatch | fentry | fexit)
		[[ $HERE == *" direct "* ]] ;;
	*)
		return 1 ;;
	esac
}

# come_or_go(who, round) - one of those who trace or patch, and DID tells
come_or_go()
{
	if [ $(($2 % 2)) = 0 ] && excluded $1; then
		arrive_in_vain $1
		DID="$1 comes and is refused beside:$HERE"
		REFUSED=$((REFUSED + 1))
	elif [ $(($2 % 2)) = 0 ]; then
		arrive $1
		DID="$1 comes"
		HERE+="$1 "
	elif [[ $HERE == *" $1 "* ]]; then
		leave $1
		DID="$1 goes"
		HERE=${HERE/ $1 / }
	fi
}

# disturb(what, round) - it happens while errors are injected
disturb()
{
	DID=$1
	case $1 in
	modules)
		for _ in 1 2 3 4; do
			insmod test_modules/test_mce_namesake.ko || stop "a module does not load"
			rmmod test_mce_namesake || stop "a module does not unload"
		done ;;
	cpu)
		for _ in 1 2; do
			echo 0 > $CPU1/online || stop "CPU 1 does not go off"
			echo 1 > $CPU1/online || stop "CPU 1 does not come back"
		done ;;
	memory)
		shorten_memory ;;
	*)
		come_or_go $1 $2 ;;
	esac
}

# shorten_memory() - take what is free, but for what keeps the machine out of reach of its OOM
# killer, and give it back
shorten_memory()
{
	local name kilobytes free=0 keep=$((48 << 10))

	while read -r name kilobytes _; do
		[ "$name" != MemAvailable: ] || free=$kilobytes
	done < /proc/meminfo
	[ $free -gt $keep ] || return 0
	dd if=/dev/zero of="$SHORT/memory" bs=1M count=$(((free - keep) >> 10)) 2> /dev/null
	DID="memory: $(((free - keep) >> 10)) MB taken"
	cat "$SHORT/memory" > /dev/null
	rm -f "$SHORT/memory"
}

# part(from, to, first, end) - sets AT and MANY to what of from..to is in first..end, too
part()
{
	local to=$(($2 < $4 ? $2 : $4))

	AT=$(($1 > $3 ? $1 : $3))
	MANY=$((to > AT ? to - AT : 0))
}

# reload(step, first, end) - the guard goes right after errors have been put into banks that nobody
# else polls, is away while corrected ones come, and is back
reload()
{
	local begin=$(($1 * STEP)) errors word left last

	part $begin $((begin + STEP / 2)) $2 $3
	exec {errors}< <(exec ./mce_random $SEED run $AT $MANY $RING "$HISTORY" left 2>&1)
	INJECTOR=$!
	read -r -u $errors word left
	[ "$word" = left ] || stop "mce_random says: $word $left"
	counter
	COUNTED=$((COUNTED + COUNTER))
	SWEPT=$((SWEPT + left))
	rmmod $MODULE || stop "the guard does not unload"
	read -r -u $errors last
	exec {errors}<&-
	injector_ends
	sum_up "$last"
	part $((begin + STEP / 2)) $((begin + STEP * 3 / 4)) $2 $3
	inject_all $AT $MANY corrected
	insmod_guard || stop "the guard does not load"
	part $((begin + STEP * 3 / 4)) $((begin + STEP)) $2 $3
	inject_all $AT $MANY
	DID="guard goes, $left errors in its banks, and comes"
}

injector_ends()
{
	wait $INJECTOR || stop "mce_random has failed, see $RESULTS/errors"
	INJECTOR=
}

# step(number, first, end)
step()
{
	local round=$(($1 / ${#EACH[@]})) what how=

	plan $round
	what=${PLAN[$1 % ${#EACH[@]}]}
	if [ $what = guard ]; then
		reload "$@"
	else
		guarded || stop "no guard, no deferred errors"
		if [ $what = cpu ]; then
			how=timer
			: > "$HISTORY.busy"
		fi
		./mce_random $SEED run $2 $(($3 - $2)) $RING "$HISTORY" $how \
			>> "$RESULTS/errors" 2>&1 &
		INJECTOR=$!
		disturb $what $round
		rm -f "$HISTORY.busy"
		injector_ends
		sum_up "$(tail -n 1 "$RESULTS/errors")"
	fi
	echo "done $INJECTED of $COUNT, $((SECONDS - SINCE)) s, from index $2: $DID" \
		>> "$RESULTS/progress"
}

# those_before(number) - whoever is there when a step begins that is not the first
those_before()
{
	local round=$(($1 / ${#EACH[@]}))

	if [ $((round % 2)) = 1 ]; then
		plan $((round - 1))
		others_come_or_go 0 "${PLAN[@]}"
	fi
	plan $round
	others_come_or_go $round "${PLAN[@]:0:$1 % ${#EACH[@]}}"
}

# others_come_or_go(round, what...) - those among them who trace or patch
others_come_or_go()
{
	local what

	for what in "${@:2}"; do
		[[ " ${OFFERED[*]} " != *" $what "* ]] || come_or_go $what $1
	done
}

everybody_leaves()
{
	local who

	for who in $HERE; do
		leave $who
	done
	HERE=" "
}

# overruns() - how many records the ring had no room for
overruns()
{
	cat $RING/per_cpu/cpu*/stats |
		awk '$1 == "overrun:" || $1 == "dropped" { sum += $NF } END { print sum + 0 }'
}

# watch_bank() - a witness of deferred errors that go by the guard: where the body of
# amd_clear_bank() sees one
watch_bank()
{
	echo "p:$PROBE amd_clear_bank+$OFFSET status=+$MCE_STATUS(%di):x64" >> $PROBES &&
		echo "status & $DEFERRED_BIT" > $RING/events/$PROBE/filter &&
		echo 1 > $RING/events/$PROBE/enable
}

# watch_log() - keep what the kernel says but of errors; there is more of that than its log holds
watch_log()
{
	cat /dev/kmsg > >(exec grep --line-buffered -vE '\[Hardware Error\]|Memory failure: ' \
		> "$RESULTS/kmsg") 2>&1 &
	READER=$!
}

# log_ends() - whether what has been said just now is in what has been kept
log_ends()
{
	grep -q "% campaign $SEED is over" "$RESULTS/kmsg"
}

campaign()
{
	local number=$((FIRST / STEP)) next=$FIRST end=$((FIRST + COUNT)) stop_at

	those_before $number
	while [ $next -lt $end ]; do
		stop_at=$(((number + 1) * STEP))
		[ $stop_at -lt $end ] || stop_at=$end
		step $number $next $stop_at
		next=$stop_at number=$((number + 1))
	done
	everybody_leaves
	counter
	COUNTED=$((COUNTED + COUNTER))
}

verdict()
{
	local splats overruns

	splats=$(grep -cE "$SPLATS" "$RESULTS/kmsg")
	overruns=$(overruns)
	echo "seed $SEED, index $FIRST to $((FIRST + COUNT - 1)), in $((SECONDS - SINCE)) s:" \
		"injected $INJECTED = logged $LOGGED;" \
		"deferred $DEFERRED_SUM = counted $COUNTED + polled by unloading $SWEPT;" \
		"refused $REFUSED, lost $overruns, splats $splats" | tee "$RESULTS/result"
	[[ $INJECTED = "$COUNT" && $LOGGED = "$COUNT" && $WRONG = 0 && $overruns = 0 &&
		$splats = 0 && $DEFERRED_SUM = $((COUNTED + SWEPT)) ]]
}

# No error comes when the guard has gone.
clear_away()
{
	[ -z "$INJECTOR" ] || { kill $INJECTOR; wait $INJECTOR; }
	kill $READER
	umount "$SHORT"
	rm -f "$HISTORY"*
	echo 0 > $RING/events/enable
	rmdir "$SHORT" $RING
	unload test_mce_decoder
	restore
}

[ $# -ge 2 ] || { echo "campaign.sh SEED COUNT [INDEX]"; exit 1; }
KTAP_TESTNO=1
setup_tests > /dev/null
require_guard
require_banks
offered "${OTHERS[@]}"
[ -w $CPU1/online ] || DISTURBANCES=(modules memory guard)
EACH=("${OFFERED[@]}" "${DISTURBANCES[@]}")
SHORT=$(mktemp -d)
HISTORY=$(mktemp)
mount -t tmpfs -o size=100% none "$SHORT" || exit
trap clear_away EXIT
SINCE=$SECONDS
echo "by: ${EACH[*]}" > "$RESULTS/progress"
: > "$RESULTS/errors"
watch_log
mkdir $RING && echo 1 > $RING/events/mce/mce_record/enable && watch_bank || exit
insmod test_modules/test_mce_decoder.ko || exit
insmod_guard || exit
campaign
rmmod $MODULE || stop "the guard does not unload"
log "% campaign $SEED is over"
loop_until log_ends || stop "the kernel log has not been kept to its end"
verdict
