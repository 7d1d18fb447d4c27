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
	[ -n "$OFFSET" ] || skip "no traceable amd_clear_bank() in this kernel"
	echo "p:$PROBE amd_clear_bank+$OFFSET" \
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
	if [ -r $PROBES ] && [[ $(< $PROBES) == *":$PROBE "* ]]; then
		echo "-:$PROBE" >> $PROBES
	fi
}

# polls(cpu) - sets POLLS to how often the banks of a CPU have been polled since boot
polls()
{
	local lines line cpus polls i

	mapfile -t lines < /proc/interrupts
	read -ra cpus <<< "${lines[0]}"
	for line in "${lines[@]}"; do
		[[ ! $line =~ ^\ *MCP: ]] || read -ra polls <<< "${line#*:}"
	done
	for i in "${!cpus[@]}"; do
		[ "${cpus[i]}" != "CPU$1" ] || POLLS=${polls[i]}
	done
}

# cleared_or_polled_since(cpu, polls) - sets HELD to those of its pending banks that still hold
# something
cleared_or_polled_since()
{
	HELD=$(./mce_inject $1 holding 5 ${PENDING[$1]}) || die "cannot read the banks of CPU $1"
	[ -n "$HELD" ] || return 0
	polls $1
	[ $POLLS -ge $2 ] && HELD=$(./mce_inject $1 holding 0 ${PENDING[$1]})
}

# witnessed(pattern) - how much of what the witnesses have seen matches
witnessed()
{
	grep -cE "$1" $INSTANCE/trace
}

# The records reach their event some time after the bank has been cleared.
records_are()
{
	count_lines ' mce_record: ' $INSTANCE/trace
	[ $COUNT -ge "$1" ]
}

# poll() - wait until the injected errors have been polled, and tell what the witnesses saw
poll()
{
	wait_for_poll
	tell_errors
	forget_errors
}

# wait_for_poll() - wait until the injected errors have been polled
wait_for_poll()
{
	local cpu bank banks cleared=0

	# shellcheck disable=SC2153 # from mce.sh
	for cpu in "${!PENDING[@]}"; do
		# A poll may be under way that has passed the bank: the one that begins after it
		# counts, and is over when the next begins.
		polls $cpu
		loop_until cleared_or_polled_since $cpu $((POLLS + 2)) ||
			die "CPU $cpu is not polled"
		read -ra banks <<< "${PENDING[$cpu]}"
		cleared=$((cleared + ${#banks[@]}))
		for bank in $HELD; do
			cleared=$((cleared - 1))
			log "> bank $bank of cpu $cpu still holds its error"
		done
		[ -n "$HELD" ] || unset "PENDING[$cpu]"
	done
	loop_until records_are $cleared || log "> fewer records than banks cleared"
}
