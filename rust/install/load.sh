#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Loads the guard in an initramfs, made by initramfs-tools or by dracut. "No such device" is the
# module's own answer where there is nothing to guard. On a CPU that may need the guard, any other
# failure goes to the console.

case ${1:-} in
prereqs)
	exit 0 ;;
esac

error=$(modprobe amd_mce_guard 2>&1) || case $error in
*'No such device'*) ;;
*)
	if grep -q AuthenticAMD /proc/cpuinfo && ! grep -qw smca /proc/cpuinfo; then
		echo "<2>amd_mce_guard: NOT GUARDING: $error" > /dev/kmsg
	fi ;;
esac
