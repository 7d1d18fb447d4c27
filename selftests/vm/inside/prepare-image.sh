#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare-image.sh SOURCE DIR IMAGE: gets Debian's cloud kernel from package IMAGE, of which the
# archive has nothing else any more, and makes a tree for a self-contained module out of its SOURCE.
# The configuration is that of the next release whose headers are still there; whether that is near
# enough, rust-metadata asks the kernel.
set -e -o pipefail
src=$1 image=$3
cd "$2"

headers=$(apt-cache search -n '^linux-headers-[0-9.]+[+]deb[0-9]+-cloud-amd64$' |
	awk '{ print $1 }' | { cat; echo "linux-headers-${image#linux-binary-}"; } | sort -uV |
	sed -n "/^linux-headers-${image#linux-binary-}\$/{n;p}")
echo "$image with the configuration of $headers"

for package in "$image" "$headers"; do
	apt-get download "$package"
	dpkg-deb -x "$package"_*.deb package
done
rm ./*.deb
mv "package/boot/vmlinuz-${image#linux-binary-}" bzImage
make -C /repo rust-metadata SELF_CONTAINED=1 XDG_CACHE_HOME="$PWD" KERNEL_SOURCE="$src" \
	KERNEL_CONFIG="$PWD/package/usr/src/$headers/.config" IMAGE="$PWD/bzImage"
rm -r package
ln -s amd-mce-guard/trees/*-self-contained tree
