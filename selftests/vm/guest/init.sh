#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Process 1 of the guest: loads the guard if told to, lets the victim wait for its memory error and
# tells what happened. $GUARD comes from the kernel command line.

busybox mount -t proc none /proc
busybox mount -t sysfs none /sys
busybox mount -t debugfs none /sys/kernel/debug
busybox mount -t tracefs none /sys/kernel/tracing
exec 2>&1

# The boot was quiet: characters on a serial line are what takes time in a nested guest.
busybox dmesg -n 8

# Polling each second instead of every five minutes.
echo 1 > /sys/devices/system/machinecheck/machinecheck0/check_interval
echo 1 > /sys/kernel/tracing/events/mce/mce_record/enable

if [ "$GUARD" = yes ]; then
	busybox insmod /amd_mce_guard.ko
	echo "guest: insmod exit status $?"
fi

/victim
echo "guest: victim exit status $?"
busybox grep mce_record: /sys/kernel/tracing/trace
if [ "$GUARD" = yes ]; then
	busybox grep -H . /sys/kernel/debug/amd_mce_guard/*
fi

busybox poweroff -f
