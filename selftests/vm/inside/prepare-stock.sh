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
mv "linux-binary-$release/boot/vmlinuz-$release" bzImage
mv "linux-modules-$release/usr/lib/modules" modules ||
	mv "linux-modules-$release/lib/modules" modules
rm -r "linux-binary-$release" "linux-modules-$release"
mkdir -p initramfs/{bin,dev,proc,root,lib}
ln -s /cache"${PWD#/cache}/modules" initramfs/lib/modules
depmod -b "$PWD/initramfs" "$release" 2> /dev/null || true

# The modules that the root file system takes, in the order in which they load.
for module in virtio_pci 9pnet_virtio 9p; do
	modprobe -d "$PWD/initramfs" -S "$release" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r ko; do
	name=$(basename "$ko")
	cp "$ko" "initramfs/$name"
	[[ $name != *.xz ]] || xz -d "initramfs/$name"
	echo "${name%.xz}"
done > order
rm initramfs/lib/modules
mv order initramfs/
cp /usr/bin/busybox initramfs/bin/
cp /repo/selftests/vm/guest/to-9p.sh initramfs/init
(cd initramfs && find . | cpio --quiet -o -H newc | gzip -1) > initrd
rm -r initramfs
