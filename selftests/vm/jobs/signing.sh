#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Under Secure Boot: what becomes of the module unsigned, and signed as in $MODULES. A line each.

dmesg | grep -E 'Kernel is locked down from EFI Secure Boot' || exit 1
mountpoint -q /sys/kernel/security || mount -t securityfs none /sys/kernel/security
# As with lockdown=integrity.
grep -F '[integrity]' /sys/kernel/security/lockdown || exit 1

# try NAME KO: one line of what loading it and the kernel say
try()
{
	local output

	echo 3 > /proc/sys/kernel/printk
	dmesg -C
	if output=$(insmod "$2" 2>&1); then
		output=loaded
	fi
	printf '%s: %s %s\n' "$1" "$output" "$(dmesg | tr '\n' ' ')"
}

try unsigned "$OUT/module/rust/amd_mce_guard.ko"
try stranger "$MODULES/stranger/rust/amd_mce_guard.ko"
try owner "$MODULES/owner/rust/amd_mce_guard.ko"
sed -n 's/^amd_mce_guard .* (\(.*\))$/taints: \1/p' /proc/modules
