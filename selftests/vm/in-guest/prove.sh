#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Process 1 of a guest that takes inputs: loads the guard if told to, and leaves the rest to
# prove.c. The variables in capitals come from the kernel command line, see in-host-vm/prove.sh.
# shellcheck disable=SC2153

busybox mount -t devtmpfs none /dev
# The kernel finds what is on virtio in the background, and may have started this without a console.
until [ -c /dev/vport0p1 ] && [ -c /dev/hvc0 ] && (: > /dev/hvc0); do
	busybox usleep 10000
done 2> /dev/null
exec > /dev/hvc0 2>&1
busybox mount -t proc none /proc
busybox mount -t sysfs none /sys
busybox mount -t tracefs none /sys/kernel/tracing

echo 1 > /sys/kernel/tracing/events/mce/mce_record/enable
if [ "$GUARD" != no ]; then
	busybox insmod "/$GUARD.ko"
	echo "guest: insmod exit status $?"
	busybox dmesg | busybox grep 'amd_mce_guard: guarding'
fi
# Errors that nobody decodes are printed as emergencies: LOG=0 leaves out even those.
echo "$LOG" > /proc/sys/kernel/printk

# shellcheck disable=SC2046 # words
/prove $(echo "$PARTS" | busybox tr ';' ' ') > /dev/vport0p1
echo "guest: prove exit status $?"
# The host VM ends this guest.
busybox sleep 1000000
