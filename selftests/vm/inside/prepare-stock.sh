#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare-stock.sh SOURCE DIR IMAGE: gets Debian's kernel from package IMAGE, with an initramfs that
# makes a 9p share the root file system, and its headers package, for which a tree to build modules
# in is made from SOURCE as anybody would.
set -e -o pipefail
src=$1 release=${3#linux-binary-}
cd "$2"

# unpack PACKAGE: into ./PACKAGE
unpack()
{
	apt-get download "$1"
	dpkg-deb -x "$1"_*.deb "$1"
	rm "$1"_*.deb
}

unpack "linux-headers-$release"
mv "linux-headers-$release/usr/src/linux-headers-$release" headers
rm -r "linux-headers-$release"
make -C /repo rust-metadata XDG_CACHE_HOME="$PWD" KDIR="$PWD/headers" KERNEL_SOURCE="$src"
ln -s "amd-mce-guard/trees/$release" tree

unpack "linux-binary-$release"
unpack "linux-modules-$release"
mv "linux-binary-$release/usr/lib/modules/$release/vmlinuz" bzImage
mkdir -p root/usr/lib
ln -s usr/lib root/lib
mv "linux-modules-$release/usr/lib/modules" root/usr/lib/
rm -r "linux-binary-$release" "linux-modules-$release"
depmod -b "$PWD/root" "$release"

# The modules that the root file system takes, and what is in front of it, in the order in which
# they load.
mkdir -p initramfs/{bin,dev,proc,root}
for module in 9pnet_virtio 9p overlay; do
	modprobe -d "$PWD/root" -S "$release" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r ko; do
	xz -dc "$ko" > "initramfs/$(basename "$ko" .xz)"
	basename "$ko" .xz
done > initramfs/order
cp /usr/bin/busybox initramfs/bin/
cp /repo/selftests/vm/guest/to-9p.sh initramfs/init
(cd initramfs && find . | cpio --quiet -o -H newc | gzip -1) > initrd
rm -r initramfs
