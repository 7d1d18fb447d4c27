#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A machine that is managed by ssh, by way of a virtio port: the Debian in the share called machine.
# It goes on until there is a file /lab/stop.
#
# Nothing happens at the same time, and one CPU does not wait for another that its host has taken
# away.
# VM: cpus=1 timeout=3600 ssh

root=/tmp/machine
mkdir $root
mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose machine $root || exit
mount -t tmpfs none $root/tmp
mount -t tmpfs none $root/run
for dir in proc sys dev repo cache; do
	mount --rbind /$dir $root/$dir
done
mkdir -p $root/run/sshd

port=$(grep -lx ssh /sys/class/virtio-ports/*/name)
port=/dev/$(basename "$(dirname "$port")")
while [ ! -e /lab/stop ]; do
	# Comes back at once as long as nobody is there.
	chroot $root /usr/sbin/sshd -i -e -o UsePAM=no -o PermitRootLogin=prohibit-password \
		<> "$port" >&0 2>> /lab/sshd.log
	sleep 1
done
