#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare-image.sh SOURCE DIR IMAGE: gets Debian's cloud kernel from package IMAGE, of which the
# archive has nothing else any more, and makes a tree for modules from its SOURCE, as
# Documentation/kernels.rst says. The configuration and the list of exports are those of the next
# release whose headers are still there; the image in the tree is what the layout of structures is
# compared with.
set -e -o pipefail
src=$1 image=$3
release=${image#linux-binary-}
cd "$2"

headers=$(apt-cache search -n '^linux-headers-[0-9.]+[+]deb[0-9]+-cloud-amd64$' |
	awk '{ print $1 }' | { cat; echo "linux-headers-$release"; } | sort -uV |
	sed -n "/^linux-headers-$release\$/{n;p}")
echo "$image with the configuration of $headers"

for package in "$image" "$headers"; do
	apt-get download "$package"
	dpkg-deb -x "$package"_*.deb package
done
rm ./*.deb
mv "package/boot/vmlinuz-$release" bzImage

mkdir tree
cp package/usr/src/"$headers"/{.config,Module.symvers} tree/
rm -r package
"$src/scripts/extract-vmlinux" bzImage > tree/vmlinux
"$src/scripts/config" --file tree/.config -d RUST --set-str LOCALVERSION "+${release#*+}" \
	-d LOCALVERSION_AUTO
make -C "$src" O="$PWD/tree" olddefconfig
make -C "$src" O="$PWD/tree" -j"$(nproc)" modules_prepare
made=$(cat tree/include/config/kernel.release)
[ "$made" = "$release" ] || {
	echo "the tree is of linux $made, not $release"
	exit 1
}
