#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# sign.sh KDIR MODULE: signs it with the kernel's own sign-file, so that a kernel which is locked
# down loads it. KEY and CERT name the key and its certificate; without them it is the machine
# owner's key (MOK), of several the one that the running kernel trusts.

kdir=$1 module=$2
here=$(dirname "$0")
# shellcheck source=rust/install/keys.sh
. "$here/keys.sh"

die()
{
	printf 'amd_mce_guard: %s\n' "$*" >&2
	exit 1
}

for cert in $(trusted_cert) $CERTS; do
	[ -n "${KEY:-}" ] || [ ! -r "$(key_of "$cert")" ] || KEY=$(key_of "$cert") CERT=$cert
done
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
echo "amd_mce_guard: $module is $(tell_signature "$module" "$CERT")"
