#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build-crash-initramfs.sh DIR: DIR/crash.cpio, what is in the initramfs there and what the guest
# loads as its crash kernel: the same kernel and initramfs.
set -e -o pipefail
cd "$1"

rm -rf crash
mkdir crash
cp bzImage initramfs.cpio.gz crash/
gcc -Wall -O2 -static -o crash/load_crash_kernel /repo/selftests/vm/in-guest/load_crash_kernel.c

cd crash
{
	find . | cpio --quiet -o -H newc
	cat initramfs.cpio.gz
} > ../crash.partial
mv ../crash.partial ../crash.cpio
