#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# sign.sh KDIR MODULE: signs it with the kernel's own sign-file, so that a kernel which is locked
# down loads it. KEY and CERT name the key and its certificate; without them it is the machine
# owner's key (MOK) where Debian, Ubuntu and DKMS keep that.

kdir=$1 module=$2

die()
{
	printf 'amd_mce_guard: %s\n' "$*" >&2
	exit 1
}

# key_of KEY CERT: these, if they are there and nothing else was named or found
key_of()
{
	[ -n "${KEY:-}" ] || [ ! -r "$1" ] || KEY=$1 CERT=$2
}

key_of /var/lib/shim-signed/mok/MOK.priv /var/lib/shim-signed/mok/MOK.der
key_of /var/lib/dkms/mok.key /var/lib/dkms/mok.pub
for file in "${KEY:-}" "${CERT:-}"; do
	[ -r "$file" ] ||
		die "no key to sign with (KEY='${KEY:-}' CERT='${CERT:-}'). Make one:" \
			"'openssl req -new -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=MOK" \
			"-keyout MOK.priv -outform DER -out MOK.der'; let the machine trust it:" \
			"'mokutil --import MOK.der', confirmed at the next boot; and name it with" \
			"KEY= and CERT="
done
[ -r "$module" ] || die "no $module; build it first with 'make'"
[ -x "$kdir/scripts/sign-file" ] ||
	die "no $kdir/scripts/sign-file: the kernel has no CONFIG_MODULE_SIG, or KDIR= is another's"
[ "$(tail -c 28 "$module" | head -c 27)" != "~Module signature appended~" ] ||
	die "$module is signed by '$(modinfo -F signer "$module")'; build it again to sign anew"

hash=$(sed -n 's/^CONFIG_MODULE_SIG_HASH="\(.*\)"/\1/p' "$kdir/include/config/auto.conf")
"$kdir/scripts/sign-file" "${hash:-sha256}" "$KEY" "$CERT" "$module" || die "sign-file has failed"
echo "amd_mce_guard: $module is signed by '$(modinfo -F signer "$module")'"
