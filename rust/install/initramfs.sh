#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# initramfs.sh RELEASE: after a kernel's headers were installed later than the kernel, its initramfs
# is older than the module. Makes that anew.

# This system's directory on a boot partition, which others may share.
token=none
for file in /etc/machine-id /etc/kernel/entry-token; do
	[ ! -s "$file" ] || read -r token < "$file"
done

depmod "$1"
for image in "/boot/initrd.img-$1" "/boot/initramfs-$1.img" "/boot/initrd-$1" \
	"/boot/$token/$1/initrd" "/efi/$token/$1/initrd" "/boot/efi/$token/$1/initrd"; do
	if [ ! -e "$image" ]; then
		continue
	elif command -v update-initramfs > /dev/null; then
		update-initramfs -u -k "$1"
	elif command -v dracut > /dev/null; then
		dracut --force "$image" "$1"
	fi
done
