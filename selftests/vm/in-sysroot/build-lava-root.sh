#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build-lava-root.sh DIR TOOLS: the root file system of a device that LAVA tests, DIR/root.cpio:
# the TOOLS that the tests use, and busybox for the rest.
set -e -o pipefail
root=$1/root tools=$2

rm -rf "$root"
mkdir -p "$root"/{dev,proc,sys,tmp,usr/bin,usr/sbin,usr/lib/modules}
cp -d /bin /lib /lib64 /sbin "$root"
# Without perl, kselftest's runner uses sed.
{
	grep -v /perl "$tools"
	printf '%s\n' /etc/passwd /usr/libexec/coreutils/libstdbuf.so
} | xargs cp -L --parents -t "$root"
cp /usr/bin/busybox "$root/usr/bin/"
for applet in $(busybox --list); do
	[ -e "$root/usr/bin/$applet" ] || [ -e "$root/usr/sbin/$applet" ] ||
		ln -s busybox "$root/usr/bin/$applet"
done
cp /repo/selftests/vm/in-guest/lava-init.sh "$root/usr/sbin/init"
cd "$root"
find . | cpio --quiet -o -H newc > ../root.cpio
