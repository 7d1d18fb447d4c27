#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# initramfs.sh RELEASE: after a kernel's headers were installed later than the kernel, its initramfs
# is older than the module. Makes that anew.

depmod "$1"
for image in "/boot/initrd.img-$1" "/boot/initramfs-$1.img" "/boot/initrd-$1" \
	/boot/*/"$1"/initrd /efi/*/"$1"/initrd /boot/efi/*/"$1"/initrd; do
	if [ ! -e "$image" ]; then
		continue
	elif command -v update-initramfs > /dev/null; then
		update-initramfs -u -k "$1"
	elif command -v dracut > /dev/null; then
		dracut --force "$image" "$1"
	fi
done
