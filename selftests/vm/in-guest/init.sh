#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Process 1 of the guest: loads the guard if told to, lets victims wait for their memory errors and
# tells what happened. The variables in capitals come from the kernel command line, see
# scenarios.sh.
# shellcheck disable=SC2153

busybox mount -t devtmpfs none /dev
busybox mount -t proc none /proc
busybox mount -t sysfs none /sys
busybox mount -t debugfs none /sys/kernel/debug
busybox mount -t tracefs none /sys/kernel/tracing
exec 2>&1

# What a panic leaves to its crash kernel.
if [ -e /proc/vmcore ]; then
	busybox dd if=/proc/vmcore of=/dump bs=64k count=1
	echo "guest: /proc/vmcore begins with $(busybox od -A n -t x1 -N 4 /dump)"
	echo "guest: dump of linux $(busybox grep -ao 'OSRELEASE=.*' /dump)"
	busybox poweroff -f
fi

if [ "$CRASH" != no ]; then
	/load_crash_kernel /bzImage /initramfs.cpio.gz "console=ttyS0 quiet panic=-1 $CRASH"
	echo "guest: load_crash_kernel exit status $?"
fi

# Polling every second or ten instead of every five minutes, or not at all.
readonly INTERVAL=/sys/devices/system/machinecheck/machinecheck0/check_interval
echo "$POLL" > $INTERVAL
echo 1 > /sys/kernel/tracing/events/mce/mce_record/enable

load()
{
	[ "$GUARD" != no ] || return
	busybox insmod /amd_mce_guard.ko
	echo "guest: insmod exit status $?"
}

# Not polling is what an administrator does until there is a guard.
readonly IGNORE_CE=/sys/devices/system/machinecheck/machinecheck0/ignore_ce
if [ "$PENDING" = stopgap ]; then
	echo 1 > $IGNORE_CE
else
	load
fi

unload()
{
	busybox rmmod amd_mce_guard
	echo "guest: rmmod exit status $?"
}

[ "$GUARD" != unloaded ] || unload

if [ "$BUSY" = yes ]; then
	busybox grep '^processor' /proc/cpuinfo | while read -r _; do
		while :; do :; done &
		echo $!
	done > /loops
fi

victims=
for victim in $(busybox seq "$VICTIMS"); do
	# shellcheck disable=SC2086 # TOUCH is a word or nothing
	/mce_victim early anonymous $TOUCH > "/victim.$victim" &
	victims="$victims $!"
	until busybox grep -q '^Data pages' "/victim.$victim" || ! kill -0 $!; do
		busybox usleep 100000
	done
done

# The kernel and this script write to the same serial line, each into the other's lines. So the
# kernel has it only while the victims wait: for the panic. It booted quietly, too, since characters
# on a serial line are what takes time in a nested guest.
for victim in $(busybox seq "$VICTIMS"); do
	busybox grep '^Data pages' "/victim.$victim"
done
if [ "$BUSY" = yes ]; then
	while read -r loop; do
		echo "guest: a loop has taken $(busybox cut -d ' ' -f 14 "/proc/$loop/stat") ticks"
	done < /loops
fi
echo "guest: bank 9 holds $(/mce_inject 0 status 9)"
echo "guest: ready on $(busybox grep -c '^processor' /proc/cpuinfo) CPU(s)"
busybox dmesg -n 8

if [ "$ALONE" = yes ]; then
	address=$(busybox sed -n 's/^Data pages .* physically //p' /victim.1)
	/mce_inject 0 error 9 "$STATUS" "$address" "$MISC"
fi

# Where nobody looks for the error, it is in its bank and stays there.
if [ "$PENDING" != no ]; then
	until [ "$(/mce_inject 0 status 9)" != 0 ]; do
		busybox usleep 200000
	done
	case $PENDING in
	stay | stopgap)
		busybox sleep 5 ;;
	esac
	echo "guest: bank 9 status $(/mce_inject 0 status 9)"
fi
case $PENDING in
stay)
	# The victim keeps its page, or the kernel would give it to somebody else.
	victims= ;;
stopgap)
	load
	echo 0 > $IGNORE_CE ;;
reboot)
	busybox reboot -f ;;
suspend)
	echo mem > /sys/power/state
	echo "guest: resumed, bank 9 status $(/mce_inject 0 status 9)"
	# Resuming logs what it finds and leaves it there until the next error, or this.
	echo 1 > $INTERVAL ;;
snapshot)
	# The last of the three errors has come to a guest that has been restored.
	until [ "$(/mce_inject 0 status 5)" != 0 ]; do
		busybox usleep 200000
	done
	echo "guest: banks 9, 6, 5 status $(/mce_inject 0 status 9 6 5 | busybox xargs)"
	echo 1 > $INTERVAL ;;
rmmod)
	unload
	echo "guest: bank 9 status $(/mce_inject 0 status 9)"
	# Whatever is left there is polled without the guard now.
	echo 1 > $INTERVAL ;;
esac

# The later of two errors takes the place of the earlier. Whoever was to hear of that one keeps its
# page, too.
if [ "$LAST" = yes ]; then
	victims=${victims##* }
fi

for victim in $victims; do
	wait "$victim"
	echo "guest: victim exit status $?"
done
busybox dmesg -n 1

busybox grep -h '^SIGBUS' /victim.*
busybox dmesg | busybox grep -E 'amd_mce_guard: |WARNING:|BUG:'
busybox grep mce_record: /sys/kernel/tracing/trace
if [ -e /sys/kernel/debug/amd_mce_guard ]; then
	busybox grep -H . /sys/kernel/debug/amd_mce_guard/*
fi

# A kernel without ACPI cannot switch off; QEMU ends where it would reboot.
[ -d /sys/firmware/acpi ] || busybox reboot -f
busybox poweroff -f
