#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare-stock.sh DIR IMAGE NAME: gets Debian's kernel from package IMAGE, and the headers packages
# that belong to it, for DIR/tree. The kernel called stock gets its modules, too, and an initramfs
# that makes a 9p share the root file system.
set -e -o pipefail
image=$2 name=$3
release=${image#linux-binary-}
release=${release#linux-image-}
release=${release%-unsigned}
cd "$1"

# unpack PACKAGE FOLDER
unpack()
{
	apt-get download "$1"
	dpkg-deb -x "$1"_*.deb "$2"
	rm "$1"_*.deb
}

# As they are installed, but for where: the one path that they have in them is changed.
version=${release%-cloud-amd64}
version=${version%-amd64}
for package in "linux-headers-$release" "linux-headers-$version-common" "linux-kbuild-$version"; do
	unpack "$package" headers
done
ln -s "headers/usr/src/linux-headers-$release" tree
sed -i "s|/usr/src/|$PWD/headers&|" tree/Makefile

unpack "$image" image
mv image/boot/vmlinuz-* bzImage || mv "image/usr/lib/modules/$release/vmlinuz" bzImage
rm -r image
[ "$name" = stock ] || exit 0

unpack "linux-modules-$release" modules
mkdir -p root/usr/lib
ln -s usr/lib root/lib
mv modules/usr/lib/modules root/usr/lib/
rm -r modules
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
cp /repo/selftests/vm/in-guest/to-9p.sh initramfs/init
(cd initramfs && find . | cpio --quiet -o -H newc | gzip -1) > initrd
rm -r initramfs
