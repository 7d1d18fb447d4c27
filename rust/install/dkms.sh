#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# dkms.sh TARGET KDIR: make, as DKMS has it done for the kernel in KDIR. A kernel without
# CONFIG_RUST gets a self-contained module. Where metadata is missing and the linux-source package
# of the kernel is installed, it is made first.

target=$1 kdir=$2
cd "$(dirname "$0")/../.." || exit
conf=$kdir/include/config/auto.conf
set -- KDIR="$kdir" XDG_CACHE_HOME=/var/cache
[ ! -f "$conf" ] || grep -qx CONFIG_RUST=y "$conf" || set -- "$@" SELF_CONTAINED=1

# missing: whether all that is missing is a tree that rust-metadata would make
missing()
{
	make -s "$@" preflight 2>&1 | grep -q 'make rust-metadata'
}

release=$(cat "$kdir/include/config/kernel.release" 2> /dev/null)
series=$(echo "$release" | sed -E 's/^([0-9]+\.[0-9]+).*/\1/')
source=/usr/src/linux-source-$series.tar.xz
if [ "$target" = preflight ] && missing "$@"; then
	if [ -r "$source" ]; then
		make "$@" KERNEL_SOURCE="$source" rust-metadata || exit
	else
		echo "amd_mce_guard: linux $release comes without Rust metadata. Install the" \
			"package linux-source-$series, from which it is made"
	fi
fi
make "$@" "$target"
