#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# pre-build.sh KDIR RELEASE: builds the module before DKMS calls make, which finds it made. On
# exit status 77 DKMS skips this kernel and goes on with the next one, whose log replaces this
# one's; so a copy stays.

log=../$2.log
: > "$log" || {
	echo "amd_mce_guard: cannot write $(pwd)/$log: is the disk full?" \
		"'dkms autoinstall -k $2' tries again"
	exit 77
}
make KDIR="$1" > "$log" 2>&1
status=$?
cat "$log"
[ $status -eq 0 ] || exit 77
rm "$log"
