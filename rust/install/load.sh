#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Loads the guard in an initramfs, made by initramfs-tools or by dracut. "No such device" is the
# module's own answer where there is nothing to guard. On a CPU that may need the guard, any other
# failure goes to the console. There may be no command here but modprobe.

case ${1:-} in
prereqs)
	exit 0 ;;
esac

# may_need_guard: an AMD CPU without SMCA
may_need_guard()
{
	while read -r line; do
		case "$line " in
		vendor_id*AuthenticAMD*) vendor=AMD ;;
		flags*' smca '*) return 1 ;;
		esac
	done < /proc/cpuinfo
	[ "${vendor:-}" = AMD ]
}

# initramfs-tools has modprobe be quiet (-q) by that variable.
error=$(MODPROBE_OPTIONS=-b modprobe amd_mce_guard 2>&1) || case $error in
*'No such device'*) ;;
*)
	! may_need_guard || echo "<2>amd_mce_guard: NOT GUARDING:" \
		"${error:-modprobe does not say why; is it blacklisted?}" > /dev/kmsg ;;
esac
