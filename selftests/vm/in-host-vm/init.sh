#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Process 1 of a VM that runs one job from the sysroot. $JOB comes from the kernel command line.

export PATH=/usr/sbin:/usr/bin HOME=/tmp

# What is started again and again goes into memory, in front of the root file system: to open a file
# takes 9p longer than it takes the kernel to start a process.
if [ ! -e /upper ]; then
	mount -t tmpfs none /tmp
	mkdir -p /tmp/upper/tmp /tmp/upper/upper /tmp/work /tmp/root
	cp -d /bin /lib /lib64 /sbin /tmp/upper
	xargs cp -L --parents -t /tmp/upper < "$OUT/tools"
	cp -r --parents -t /tmp/upper "$OUT/kselftest"
	mount -t overlay -o lowerdir=/,upperdir=/tmp/upper,workdir=/tmp/work none /tmp/root &&
		mount -o move /dev /tmp/root/dev &&
		exec chroot /tmp/root "$0"
fi

mount -t proc none /proc
mount -t sysfs none /sys
mount -t debugfs none /sys/kernel/debug
mount -t tracefs none /sys/kernel/tracing
mount -t tmpfs none /tmp
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
[ -e /dev/stdout ] || ln -s /proc/self/fd/1 /dev/stdout
mount -t 9p -o trans=virtio,version=9p2000.L lab /lab

"/repo/selftests/vm/in-host-vm/$JOB.sh" > /lab/job.log 2>&1
echo $? > /lab/status

sync
# A kernel without ACPI cannot switch off; QEMU ends where it would reboot.
[ -d /sys/firmware/acpi ] || busybox reboot -f
busybox poweroff -f
