#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Under Secure Boot: what becomes of the module unsigned, and signed as in $MODULES; then, on a
# machine with two keys, what is said of them. A line each.

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

# has_key OWNER CERT KEY: the machine has it there
has_key()
{
	mkdir -p "${2%/*}"
	cp "$MODULES/$1/MOK.der" "$2"
	cp "$MODULES/$1/MOK.priv" "$3"
}

# sign NAME: with what sign.sh finds
sign()
{
	cp "$OUT/module/rust/amd_mce_guard.ko" /tmp/signed.ko
	printf '%s: ' "$1"
	/repo/rust/install/sign.sh "$OBJ" /tmp/signed.ko 2>&1 | tr '\n' ' '
	echo
}

# report OWNER: of the module that this owner has signed, installed
report()
{
	local dir

	dir=/lib/modules/$(uname -r)
	mkdir -p "$dir/kernel" "$dir/updates"
	cp "$MODULES/$1/rust/amd_mce_guard.ko" "$dir/updates/"
	depmod
	printf 'report: %s\n' "$(/repo/rust/install/report.sh 2>&1 | tr '\n' ' ')"
}

try unsigned "$OUT/module/rust/amd_mce_guard.ko"
try stranger "$MODULES/stranger/rust/amd_mce_guard.ko"
try owner "$MODULES/owner/rust/amd_mce_guard.ko"
sed -n 's/^amd_mce_guard .* (\(.*\))$/taints: \1/p' /proc/modules

has_key stranger /var/lib/shim-signed/mok/MOK.der /var/lib/shim-signed/mok/MOK.priv
sign other
has_key owner /var/lib/dkms/mok.pub /var/lib/dkms/mok.key
sign both
report stranger
report owner
