#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare-stock.sh SERIES OBJECTS: makes a tree to build modules for Debian's kernel in, out of
# linux-source-SERIES and the configuration and symbols of the headers package of the same version;
# and gets the kernel itself, with an initramfs that makes a 9p share the root file system.
set -e -o pipefail
src=/cache/src/linux-$1
version=$(make -s -C "$src" kernelversion)
cd "$2"

headers=$(apt-cache search -n "^linux-headers-${version//./[.]}[+]deb[0-9]+-amd64$" |
	awk '{ print $1; exit }')
[ -n "$headers" ] || {
	echo "the archive has no headers for linux $version any more, only for a newer one;"
	echo "remove $src from the cache and run this again"
	exit 1
}
release=${headers#linux-headers-}

# unpack PACKAGE: into ./PACKAGE
unpack()
{
	apt-get download "$1"
	dpkg-deb -x "$1"_*.deb "$1"
	rm "$1"_*.deb
}

unpack "$headers"
cp "$headers/usr/src/$headers/.config" "$headers/usr/src/$headers/Module.symvers" .
rm -r "$headers"
make -C "$src" O="$PWD" olddefconfig
make -C "$src" O="$PWD" LOCALVERSION="${release#"$version"}" -j"$(nproc)" modules_prepare

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
