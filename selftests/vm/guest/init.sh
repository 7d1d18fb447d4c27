#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Process 1 of the guest: loads the guard if told to, lets the victim wait for its memory error and
# tells what happened. $GUARD comes from the kernel command line.

busybox mount -t devtmpfs none /dev
busybox mount -t proc none /proc
busybox mount -t sysfs none /sys
busybox mount -t debugfs none /sys/kernel/debug
busybox mount -t tracefs none /sys/kernel/tracing
exec 2>&1

# Polling each second instead of every five minutes.
echo 1 > /sys/devices/system/machinecheck/machinecheck0/check_interval
echo 1 > /sys/kernel/tracing/events/mce/mce_record/enable

if [ "$GUARD" = yes ]; then
	busybox insmod /amd_mce_guard.ko
	echo "guest: insmod exit status $?"
fi

# The kernel and this script write to the same serial line, each into the other's lines. So the
# kernel has it only while the victim waits: for the panic. It booted quietly, too, since characters
# on a serial line are what takes time in a nested guest.
/victim > /victim.log &
until busybox grep -q '^Data pages' /victim.log || ! kill -0 $!; do
	busybox usleep 100000
done
busybox cat /victim.log
busybox dmesg -n 8
wait $!
status=$?
busybox dmesg -n 1

busybox grep '^SIGBUS' /victim.log
echo "guest: victim exit status $status"
busybox dmesg | busybox grep -E 'amd_mce_guard: |WARNING:|BUG:'
busybox grep mce_record: /sys/kernel/tracing/trace
if [ "$GUARD" = yes ]; then
	busybox grep -H . /sys/kernel/debug/amd_mce_guard/*
fi

busybox poweroff -f
