#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# For each installed kernel: has DKMS built the module, and would the kernel load it? What is
# missing comes last, with the next step. Packages run this when they, or kernels, were installed.

here=$(dirname "$0")
# shellcheck source=rust/install/keys.sh
. "$here/keys.sh"
missing=

# what_lacks RELEASE: why there is no module, and what to do
what_lacks()
{
	# shellcheck disable=SC2012 # releases are words
	log=$(ls -t /var/lib/dkms/amd-mce-guard/*/"$1.log" 2> /dev/null | head -n 1)
	if [ -n "$log" ]; then
		said=$(grep 'amd_mce_guard: ' "$log") || said=$(grep -i 'error' "$log" | head -n 3)
		[ -n "$said" ] || said=$(tail -n 3 "$log")
		echo "${said:-its log is empty: is the disk full?}"
		echo "Mend that and run 'dkms autoinstall -k $1'. All of it is in $log"
	elif [ -e "/lib/modules/$1/build/include" ]; then
		echo "DKMS has not tried, or has left it out: 'dkms autoinstall -k $1' says why"
	elif command -v dpkg > /dev/null; then
		echo "its headers are missing: 'apt install linux-headers-$1'"
	else
		echo "its headers are missing: install the package (kernel-devel-$1," \
			"kernel-default-devel, linux-headers)"
	fi
}

for dir in /lib/modules/*; do
	release=$(basename "$dir")
	# Where there are only headers, or what was left of a kernel, there is none.
	[ -d "$dir/kernel" ] || [ "$release" = "$(uname -r)" ] || continue
	if ! module=$(modinfo -k "$release" -n amd_mce_guard 2> /dev/null); then
		missing="$missing $release"
	elif signature=$(tell_signature "$module"); then
		echo "amd_mce_guard: built for linux $release, $signature"
	else
		echo "amd_mce_guard: linux $release WILL NOT LOAD its module: $signature" >&2
	fi
done
[ -d /sys/module/amd_mce_guard ] || ! modinfo amd_mce_guard > /dev/null 2>&1 ||
	echo "amd_mce_guard: 'modprobe amd_mce_guard' loads it now, the next boot does by itself"
for release in $missing; do
	echo "amd_mce_guard: NOT BUILT for linux $release, which stays unguarded:"
	what_lacks "$release" | sed 's/^/    /'
done >&2
[ -z "$missing" ]
