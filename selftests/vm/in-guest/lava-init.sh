#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Process 1 of a device that LAVA tests: a shell on the console, whose prompt LAVA waits for.

export PATH=/usr/sbin:/usr/bin HOME=/ PS1='lava# '
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mount -t debugfs none /sys/kernel/debug
mount -t tracefs none /sys/kernel/tracing
mount -t tmpfs none /tmp
ln -s /proc/self/fd /dev/fd
ln -s fd/1 /dev/stdout
# On the console nothing between what the tests print, but emergencies.
dmesg -n 1
while :; do
	setsid cttyhack bash --noediting --norc
done
