#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Process 1 in the initramfs of a stock kernel, whose drivers are modules, and of a nested guest:
# makes the 9p share the root file system and goes on there as the lab's own kernels do.

busybox mount -t devtmpfs none /dev
busybox mount -t proc none /proc
if [ -e /order ]; then
	while read -r module; do
		busybox insmod "/$module"
	done < /order
fi
busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose root /root
busybox mount -o move /dev /root/dev
busybox umount /proc
exec busybox switch_root /root /repo/selftests/vm/in-host-vm/init.sh
