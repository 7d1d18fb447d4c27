#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest's whole user space: busybox, the victim, the module.
set -e -o pipefail
guest=/repo/selftests/vm/guest
cd /repo/build

rm -rf initramfs
mkdir -p initramfs/{bin,dev,proc,sys}
gcc -static -O2 -Wall -Wextra -Werror -o initramfs/victim $guest/victim.c
cp /usr/bin/busybox initramfs/bin/
cp $guest/init.sh initramfs/init
cp module/rust/amd_mce_guard.ko initramfs/

cd initramfs
find . | cpio --quiet -o -H newc | gzip -1 > ../initramfs.partial
mv ../initramfs.partial ../initramfs.cpio.gz
