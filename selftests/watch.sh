#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086 # constants go both ways; none has a space
# Verbs for the tests: what becomes of the errors in the banks. Two witnesses, neither of them the
# guard's own: the event mce:mce_record, which is what users are told, and a kprobe in the body of
# amd_clear_bank(), just behind the hook, which sees the record as that function goes by it.

readonly INSTANCE=$TRACING/instances/$MODULE
readonly PROBES=$TRACING/kprobe_events
readonly PROBE=$MODULE/clear_bank

# Offsets in struct mce, which is part of the kernel's user space interface.
readonly MCE_STATUS=0 MCE_BANK=65

# body_offset() - where the body of amd_clear_bank() begins: behind the call that ftrace uses
body_offset()
{
	local function site

	function=$(awk '$3 == "amd_clear_bank" { print $1 }' /proc/kallsyms)
	site=$(awk '$2 == "amd_clear_bank" { print $1 }' $TRACING/available_filter_functions_addrs)
	[ -n "$function" ] && [ -n "$site" ] || return
	echo $((0x$site + 5 - 0x$function))
}

# watch_errors() - call both witnesses, from now on
watch_errors()
{
	local offset

	offset=$(body_offset) || skip "no traceable amd_clear_bank() in this kernel"
	echo "p:$PROBE amd_clear_bank+$offset" \
		"bank=+$MCE_BANK(%di):u8 status=+$MCE_STATUS(%di):x64" >> $PROBES ||
		skip "the kernel takes no kprobe in amd_clear_bank()"
	mkdir $INSTANCE || die "no instance of tracing"
	echo 1 > $INSTANCE/events/$PROBE/enable || die "the kprobe cannot be armed"
	echo 1 > $INSTANCE/events/mce/mce_record/enable || die "no event mce:mce_record"
}

stop_tracing()
{
	if [ -d $INSTANCE ]; then
		echo 0 > $INSTANCE/events/enable
		rmdir $INSTANCE
	fi
	if grep -q ":$PROBE " $PROBES 2> /dev/null; then
		echo "-:$PROBE" >> $PROBES
	fi
}

# polls(cpu) - how often the banks of a CPU have been polled since boot
polls()
{
	awk -v cpu="CPU$1" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == cpu) column = i + 1 }
		$1 == "MCP:" { print $column }' /proc/interrupts
}

polled_since()
{
	[ "$(polls "$1")" -ge "$2" ]
}

cleared_or_polled_since()
{
	[ "$(bank_status "$1")" = 0 ] || polled_since "${1% *}" "$2"
}

# The records reach their event some time after the bank has been cleared.
records_are()
{
	[ "$(grep -c 'mce_record:' $INSTANCE/trace)" -ge "$1" ]
}

# poll() - wait until the injected errors have been polled, and tell what the witnesses saw
poll()
{
	local pending cleared=0
	declare -A enough

	# A poll may be under way that has passed the bank: the one that begins after it counts,
	# and is over when the next begins.
	# shellcheck disable=SC2153 # from mce.sh
	for pending in "${PENDING[@]}"; do
		enough[${pending% *}]=$(($(polls "${pending% *}") + 2))
	done
	for pending in "${PENDING[@]}"; do
		loop_until cleared_or_polled_since "$pending" "${enough[${pending% *}]}" ||
			die "CPU ${pending% *} is not polled"
		if [ "$(bank_status "$pending")" = 0 ]; then
			cleared=$((cleared + 1))
		else
			log "> bank ${pending#* } of cpu ${pending% *} still holds its error"
		fi
	done
	loop_until records_are $cleared || log "> fewer records than banks cleared"
	tell_errors
	forget_errors
}

# tell_errors() - what the witnesses have seen since they were last asked, by CPU and bank
tell_errors()
{
	local line

	while read -r line; do
		log "$line"
	done < <(records | sort -n -k 4 -k 6; bodies | sort -n -k 4 -k 6)
	echo > $INSTANCE/trace
}

records()
{
	sed -nE 's/.*mce_record: CPU: ([0-9]+),.* MC([0-9]+): ([0-9a-f]+), .*ADDR: ([0-9a-f]+), '\
'MISC: ([0-9a-f]+),.*/\1 \2 0x\3 0x\4 0x\5/p' $INSTANCE/trace |
		while read -r cpu bank status addr misc; do
			printf '> logged: cpu %d bank %d status 0x%x' "$cpu" "$bank" "$status"
			! ((status & ADDRV)) || printf ' addr 0x%x' "$addr"
			! ((status & MISCV)) || printf ' misc 0x%x' "$misc"
			echo
		done
}

bodies()
{
	sed -nE 's/.* \[0*([0-9]+)\] .* clear_bank: .*bank=([0-9]+) status=(0x[0-9a-f]+).*/'\
'> amd_clear_bank(): cpu \1 bank \2 status \3/p' $INSTANCE/trace
}
