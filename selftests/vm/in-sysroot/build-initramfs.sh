#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build-initramfs.sh DIR: the guest's whole user space: busybox, the victim, the module; or, started
# by to-9p.sh, what leads to another one. It ends up in DIR, where the module and the tests are.
set -e -o pipefail
cd "$1"

rm -rf initramfs
mkdir -p initramfs/{bin,dev,proc,root,sys}
cp kselftest/amd_mce_guard/mce_{victim,inject} initramfs/
cp /usr/bin/busybox initramfs/bin/
cp /repo/selftests/vm/in-guest/init.sh initramfs/init
cp /repo/selftests/vm/in-guest/to-9p.sh initramfs/
cp module/rust/amd_mce_guard.ko initramfs/

cd initramfs
find . | cpio --quiet -o -H newc | gzip -1 > ../initramfs.partial
mv ../initramfs.partial ../initramfs.cpio.gz
