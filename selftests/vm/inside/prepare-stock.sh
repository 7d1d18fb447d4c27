#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare-stock.sh SERIES OBJECTS: makes a tree to build modules for Debian's kernel in, out of
# linux-source-SERIES and the configuration and symbols of the headers package of the same version.
set -e
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

apt-get download "$headers"
dpkg-deb -x ./*.deb headers
cp "headers/usr/src/$headers/.config" "headers/usr/src/$headers/Module.symvers" .
rm -r headers ./*.deb

make -C "$src" O="$PWD" olddefconfig
make -C "$src" O="$PWD" -j"$(nproc)" modules_prepare
