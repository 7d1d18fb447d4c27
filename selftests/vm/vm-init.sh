#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Process 1 of a VM that runs one job from the sysroot. $JOB comes from the kernel command line.

export PATH=/usr/sbin:/usr/bin HOME=/tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t debugfs none /sys/kernel/debug
mount -t tracefs none /sys/kernel/tracing
mount -t tmpfs none /tmp
ln -s /proc/self/fd /dev/fd
mount -t 9p -o trans=virtio,version=9p2000.L lab /lab

"/repo/selftests/vm/jobs/$JOB.sh" > /lab/job.log 2>&1
echo $? > /lab/status

sync
busybox poweroff -f
