# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# Booting the stock kernel as a machine with Secure Boot does: firmware, shim and GRUB as Debian
# signs them, and a key of the machine's owner that shim knows.

# make_owner DIR NAME: a key of that name and its certificate, as mokutil would take it
make_owner()
{
	in_sysroot openssl req -new -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$2" \
		-keyout "$1/MOK.priv" -out "$1/MOK.pem" &&
		in_sysroot openssl x509 -in "$1/MOK.pem" -outform DER -out "$1/MOK.der"
}

# trust_owner DIR: firmware variables in which Secure Boot is on and that key is enrolled
trust_owner()
{
	in_sysroot virt-fw-vars --input /usr/share/OVMF/OVMF_VARS_4M.ms.fd \
		--output "$1/vars.fd" --secure-boot \
		--add-mok 605dab50-e046-4300-abb6-3dd810dd8b23 "$1/MOK.pem"
}

# secure_boot DIR OWNER ARGUMENTS: sets BOOT, QEMU's arguments for the kernel in use to boot that
# way with these. What it boots from is in DIR, the variables are those of OWNER.
secure_boot()
{
	local dir=$1 in_dir=/repo/build${1#"$BUILD"} from=/usr/lib

	mkdir -p "$dir"/esp/EFI/{BOOT,debian}
	in_sysroot sh -e -c "cd $in_dir/esp
		cp $from/shim/shimx64.efi.signed EFI/BOOT/BOOTX64.EFI
		cp $from/grub/x86_64-efi-signed/grubx64.efi.signed EFI/BOOT/grubx64.efi
		cp $KERNEL_OUT/bzImage vmlinuz
		cp $KERNEL_OUT/initrd initrd
		cp $2/vars.fd .."
	cat > "$dir/esp/EFI/debian/grub.cfg" << END
search --file --set=root /vmlinuz
linux /vmlinuz $3
initrd /initrd
boot
END
	BOOT=(-machine "q35,smm=on" -global "driver=cfi.pflash01,property=secure,value=on"
		-drive "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.ms.fd"
		-drive "if=pflash,format=raw,file=$in_dir/vars.fd"
		-drive "if=virtio,format=raw,readonly=on,file=fat:$in_dir/esp")
}
