#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build-proof.sh DIR: DIR/prove.cpio, what guests that take inputs have beside their initramfs. A
# guard that is wrong on purpose is in DIR/wrong.
set -e -o pipefail
cd "$1"

rm -rf files
mkdir files
gcc -Wall -Wextra -O2 -static -o files/prove /repo/selftests/vm/in-guest/prove.c
cp /repo/selftests/vm/in-guest/prove.sh files/
cp wrong/rust/amd_mce_guard.ko files/wrong.ko

cd files
find . | cpio --quiet -o -H newc > ../prove.cpio
