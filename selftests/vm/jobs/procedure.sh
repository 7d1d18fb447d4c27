#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The mail thread's procedure, in the host VM: start a guest, ask where its victim's page is on the
# host, poison that page, and watch what becomes of the guest. Once for each of $GUESTS, a list of
# unguarded and guarded separated by commas.

readonly TRACING=/sys/kernel/tracing
readonly MONITOR=/tmp/monitor
readonly CONSOLE=/tmp/console.log

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

gone()
{
	! kill -0 "$qemu" 2> /dev/null
}

start_guest()
{
	local guard=no

	[ "$1" = unguarded ] || guard=yes
	rm -f $MONITOR $CONSOLE
	qemu-system-x86_64 -accel kvm -cpu host -smp 1 -m 256 -nodefaults -display none -no-reboot \
		-kernel "$OBJ/arch/x86/boot/bzImage" -initrd /repo/build/initramfs.cpio.gz \
		-append "console=ttyS0 quiet panic=-1 GUARD=$guard" \
		-serial file:$CONSOLE -monitor unix:$MONITOR,server,nowait &
	qemu=$!
}

# Prints the PFN on the host that holds guest physical address $1.
host_pfn()
{
	local answer

	answer=$(echo "gpa2hpa $1" | socat -t 10 - UNIX-CONNECT:$MONITOR |
		sed -n 's/^Host physical address for .* is \(0x[0-9a-f]*\).*/\1/p')
	[ -n "$answer" ] && printf '0x%x\n' $((answer >> 12))
}

procedure()
{
	local guest=$1 log=$CONSOLE since=$SECONDS gpa pfn

	mkdir "/lab/$guest"
	: > $TRACING/trace
	start_guest "$guest"

	# To the end of the line, which comes character by character.
	within $BOOT_SECONDS grep -qs '^Data pages at .* physically 0x[0-9a-f]*000.$' "$log" ||
		{ echo "$guest: the victim did not start"; return 1; }
	gpa=$(sed -n 's/^Data pages at .* physically \(0x[0-9a-f]*\).*/\1/p' "$log")
	pfn=$(host_pfn "$gpa") || { echo "$guest: gpa2hpa gave no address for $gpa"; return 1; }
	printf 'gpa %s\npfn %s\n' "$gpa" "$pfn" > "/lab/$guest/injected"

	echo "$guest: poisoning host PFN $pfn, guest physical address $gpa"
	echo "$pfn" > /sys/kernel/debug/hwpoison/corrupt-pfn || return 1

	within $DEATH_SECONDS gone || { echo "$guest: still running, giving up"; return 1; }
	echo "$guest: has ended"
	echo "seconds $((SECONDS - since))" >> "/lab/$guest/injected"
}

echo 'ecx >= 0x400 && ecx <= 0x47f || ecx >= 0xc0002000 && ecx <= 0xc0002fff' \
	> $TRACING/events/kvm/kvm_msr/filter || exit 1
echo 1 > $TRACING/events/kvm/kvm_msr/enable || exit 1

status=0
for guest in ${GUESTS//,/ }; do
	procedure "$guest" || status=1
	if ! gone; then
		kill "$qemu"
		wait "$qemu"
	fi
	cp $CONSOLE "/lab/$guest/console.log"
	grep 'kvm_msr:' $TRACING/trace > "/lab/$guest/msr.trace"
done
exit $status
