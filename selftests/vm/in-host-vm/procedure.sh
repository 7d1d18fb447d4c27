#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The mail thread's procedure, in the host VM: start a guest, ask where its victim's page is on the
# host, poison that page, and watch what becomes of the guest. Once for each of $GUESTS, a list of
# scenarios separated by commas.
#
# One guest after the other: a second CPU would only wait for the first.
# VM: cpus=1 timeout=2400 kvm

source /repo/selftests/lib/status.sh
source /repo/selftests/vm/scenarios.sh

readonly TRACING=/sys/kernel/tracing
readonly MONITOR=/tmp/monitor
readonly CONSOLE=/tmp/console.log
readonly SNAPSHOT=/tmp/snapshot

# MCi_STATUS of bank 9: the guest clears it, or finds it empty.
readonly CLEARED='write 425 = 0x0' EMPTY='read 425 = 0x0'

# What a guest's console says of how it ended: for the page of the demo, which has all events by
# the clock of this VM's trace.
readonly ENDS='Kernel panic - not syncing|Sending SIGBUS|^SIGBUS '
readonly SIGBUS=7

# Generous: only a guest that hangs meets these.
readonly BOOT_SECONDS=300
readonly DEATH_SECONDS=300

# within SECONDS COMMAND...: waits for COMMAND to succeed, as long as the guest runs
within()
{
	local deadline=$((SECONDS + $1))

	shift
	until "$@"; do
		if ! kill -0 "$qemu" 2> /dev/null; then
			"$@"
			return
		fi
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.2
	done
}

# shellcheck disable=SC2317 # within calls it, too
gone()
{
	! kill -0 "$qemu" 2> /dev/null
}

# A guest that QEMU lets reboot is not gone: it comes back, or it panics at two boots.
# shellcheck disable=SC2317 # within calls it
over()
{
	gone || [[ $REBOOTS = yes && ($(grep -c '^guest: ready' "$CONSOLE") -ge 2 ||
		$(grep -c ' mcheck_cpu_init+0x' "$CONSOLE") -ge 2) ]]
}

# start_guest [OPTION...]: with what it boots; and with the same again if a panic is to start that
start_guest()
{
	local dir=/repo/build/kernels/$GUEST initrd=initramfs.cpio.gz memory=256 reboots=()
	local init="GUARD=$GUARD VICTIMS=$VICTIMS POLL=$POLL BUSY=$BUSY ALONE=$ALONE"

	init+=" LAST=$LAST PENDING=$PENDING TOUCH=$TOUCH CRASH=$CRASH"
	[ "$ALONE" = no ] || init+=" STATUS=$AO MISC=$PAGE_MISC"
	[ "$CRASH" = no ] || initrd=crash.cpio memory=512
	[ "$REBOOTS" = yes ] || reboots=(-no-reboot)
	rm -f $MONITOR
	qemu-system-x86_64 -accel kvm -cpu "$CPU" -smp "$SMP" -m $memory -nodefaults -display none \
		"${reboots[@]}" -kernel "$dir/bzImage" -initrd "$dir/$initrd" \
		-append "console=ttyS0 quiet panic=-1 $BOOT $init" \
		-chardev file,id=serial,path=$CONSOLE,append=on -serial chardev:serial \
		-monitor unix:$MONITOR,server,nowait "$@" &
	qemu=$!
	tail -n +1 -s 0.1 -F --pid="$qemu" $CONSOLE 2> /dev/null |
		grep -a --line-buffered -E "$ENDS" > $TRACING/trace_marker &
	watcher=$!
}

monitor()
{
	echo "$1" | socat -t 10 - UNIX-CONNECT:$MONITOR
}

# Prints the PFN on the host that holds guest physical address $1.
host_pfn()
{
	local answer

	answer=$(monitor "gpa2hpa $1" |
		sed -n 's/^Host physical address for .* is \(0x[0-9a-f]*\).*/\1/p')
	[ -n "$answer" ] && printf '0x%x\n' $((answer >> 12))
}

# inject GPA: an error at that address of the guest
inject()
{
	local pfn

	echo "$guest: an error at guest physical address $1 by way of $VIA"
	case $VIA in
	hwpoison)
		pfn=$(host_pfn "$1") || { echo "$guest: gpa2hpa gave no address"; return 1; }
		printf 'gpa %s\npfn %s\n' "$1" "$pfn" >> "/lab/$guest/injected"
		echo "injected pfn $pfn gpa $1" > $TRACING/trace_marker
		echo "$pfn" > /sys/kernel/debug/hwpoison/corrupt-pfn ;;
	monitor)
		echo "gpa $1" >> "/lab/$guest/injected"
		monitor "mce 0 $BANK $AO 0 $1 $PAGE_MISC" > /dev/null ;;
	guest)
		echo "gpa $1" >> "/lab/$guest/injected" ;;
	esac
}

# snapshot GPA GPA GPA: an error waits in a bank when the guest is stopped and written to a file,
# one comes while it is stopped, in the new QEMU, and one when it runs again. Then it polls.
snapshot()
{
	BANK=9 VIA=monitor inject "$1"
	within $BOOT_SECONDS grep -qs '^guest: bank 9 status 0x' $CONSOLE || return
	monitor stop > /dev/null
	monitor "migrate exec:cat>$SNAPSHOT" > /dev/null
	within $BOOT_SECONDS migrated || { monitor 'info migrate'; return 1; }
	monitor 'info migrate' | grep -E 'Status|Transfers'
	kill "$qemu"
	wait "$qemu"
	start_guest -S -incoming "exec:cat $SNAPSHOT"
	within $BOOT_SECONDS restored || return
	BANK=6 VIA=monitor inject "$2"
	monitor cont > /dev/null
	BANK=5 VIA=monitor inject "$3"
	rm $SNAPSHOT
}

# shellcheck disable=SC2317 # within calls it
migrated()
{
	monitor 'info migrate' | grep -qE 'Status:[[:space:]]*completed'
}

# shellcheck disable=SC2317 # within calls it
restored()
{
	[ -S "$MONITOR" ] && monitor 'info status' | grep 'VM status: ' | grep -qv inmigrate
}

# What the monitor is told as soon as the guest has its error: to reset it, or to wake it up.
command()
{
	within $BOOT_SECONDS grep -qs '^guest: bank 9 status 0x' $CONSOLE || return
	[ "$COMMAND" != system_wakeup ] || within $BOOT_SECONDS suspended || return
	echo "$guest: $COMMAND"
	monitor "$COMMAND" > /dev/null
}

# shellcheck disable=SC2317 # within calls it
suspended()
{
	monitor 'info status' | grep -q suspended
}

# seen ACCESS: how often the guest has done that
seen()
{
	grep -c "msr_$1$" $TRACING/trace
}

# shellcheck disable=SC2317 # within calls it
at_least()
{
	[ "$(seen "$2")" -ge "$1" ]
}

procedure()
{
	local log=$CONSOLE since=$SECONDS gpa had=0 before pages

	mkdir "/lab/$guest"
	: > $TRACING/trace
	rm -f $CONSOLE
	start_guest

	within $BOOT_SECONDS grep -qs '^guest: ready' "$log" ||
		{ echo "$guest: the victims did not start"; return 1; }
	before=$(seen "$CLEARED")
	mapfile -t pages < <(sed -n 's/^Data pages at .* physically \(0x[0-9a-f]*\).*/\1/p' "$log")
	# Two are to meet in the bank, before the next poll: one that comes while a poll reads and
	# clears the bank is lost.
	[ "$LAST" = no ] ||
		within $DEATH_SECONDS at_least $(($(seen "$EMPTY") + 1)) "$EMPTY" || return 1
	if [ "$COMMAND" = snapshot ]; then
		snapshot "${pages[@]}" || { echo "$guest: no snapshot"; return 1; }
		pages=()
	fi
	for gpa in "${pages[@]}"; do
		# Others come one at a time: the bank has room for one.
		[ "$LAST" = yes ] || within $DEATH_SECONDS at_least $((before + had)) "$CLEARED" ||
			gone || return 1
		# A guest that the first error has killed needs no second.
		inject "$gpa" || { [ $had -gt 0 ] && gone; } || return 1
		had=$((had + 1))
	done

	[[ -z $COMMAND || $COMMAND = snapshot ]] || command ||
		{ echo "$guest: not ready for $COMMAND"; return 1; }
	within $DEATH_SECONDS over || { echo "$guest: still running, giving up"; return 1; }
	echo "$guest: has ended"
	echo "seconds $((SECONDS - since))" >> "/lab/$guest/injected"
}

echo 'ecx >= 0x400 && ecx <= 0x47f || ecx >= 0xc0002000 && ecx <= 0xc0002fff' \
	> $TRACING/events/kvm/kvm_msr/filter || exit 1
echo 1 > $TRACING/events/kvm/kvm_msr/enable || exit 1

# trace_more EVENT FILTER: events that nothing is judged by; the page says which of them it lacks
trace_more()
{
	echo "$2" > "$TRACING/events/$1/filter"
	echo 1 > "$TRACING/events/$1/enable"
}

# QEMU sets a bank by setting the MSRs: by a struct msr_data each, with bit 63 in MCi_STATUS.
# shellcheck disable=SC2016 # $arg2 is the kernel's
readonly MSR_DATA='by_host=+0($arg2):u8 msr=+4($arg2):x32 value=+8($arg2):x64'
echo "p:kvm_bank_set kvm_set_msr_common $MSR_DATA" > $TRACING/kprobe_events
trace_more kprobes/kvm_bank_set \
	'by_host == 1 && msr >= 0x400 && msr <= 0x47f && msr & 1 && value >= 0x8000000000000000'
trace_more signal/signal_generate "sig == $SIGBUS"

status=0
# shellcheck disable=SC2153 # from the kernel command line
for guest in ${GUESTS//,/ }; do
	scenario "$guest"
	procedure || status=1
	if ! gone; then
		kill "$qemu"
		wait "$qemu"
	fi
	wait "$watcher"
	cp $CONSOLE "/lab/$guest/console.log"
	grep 'kvm_msr:' $TRACING/trace > "/lab/$guest/msr.trace"
	grep -v '^#' $TRACING/trace > "/lab/$guest/events.trace"
done
exit $status
