# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The keys that modules are signed with on this machine, and which of them its kernel trusts.

# The certificates of the machine's owner, where Debian, Ubuntu and DKMS keep them, beside the keys.
readonly CERTS="/var/lib/shim-signed/mok/MOK.der /var/lib/dkms/mok.pub"

# trusts CERT: the running kernel has that key. Only root can see all keys.
trusts()
{
	id=$(openssl x509 -in "$1" -noout -ext subjectKeyIdentifier 2> /dev/null |
		sed -n '2s/[ :]//gp')
	[ -n "$id" ] && grep -qi ": $id: X509" /proc/keys
}

# trusted_cert: one of CERTS that the kernel trusts
trusted_cert()
{
	for cert in $CERTS; do
		if trusts "$cert"; then
			echo "$cert"
			return
		fi
	done
	return 1
}

# key_of CERT: its private key
key_of()
{
	case $1 in
	*.der) echo "${1%.der}.priv" ;;
	*) echo "${1%.pub}.key" ;;
	esac
}

# signer_cert MODULE [CERT]: the certificate of the key that signed it, by its serial number
signer_cert()
{
	sig_key=$(modinfo -F sig_key "$1" | tr -d : | sed 's/^0*//')
	for cert in ${2:-} $CERTS; do
		serial=$(openssl x509 -in "$cert" -noout -serial 2> /dev/null | sed 's/serial=0*//')
		if [ -n "$serial" ] && [ "$serial" = "$sig_key" ]; then
			echo "$cert"
			return
		fi
	done
	return 1
}

# enforces: the running kernel loads only modules that are signed with a key it trusts
enforces()
{
	grep -qsx Y /sys/module/module/parameters/sig_enforce ||
		grep -qsE '\[(integrity|confidentiality)\]' /sys/kernel/security/lockdown
}

# tell_signature MODULE [CERT]: which key signed MODULE, and whether the running kernel trusts that.
# Fails if it would not load the module, and says the next step.
tell_signature()
{
	signer=$(modinfo -F signer "$1")
	cert=$(signer_cert "$@")
	by="signed by '$signer' (${cert:-its certificate is not on this machine})"
	[ -n "$signer" ] || by="not signed"
	if [ -n "$cert" ] && trusts "$cert" ||
		{ [ -z "$cert" ] && grep -qF " ${signer:-none}: " /proc/keys; }; then
		echo "$by, a key that this kernel trusts"
	elif ! enforces; then
		echo "$by; this kernel does not ask for a key that it trusts"
	else
		echo "$by, and this kernel asks for a key that it trusts."
		[ -z "$cert" ] ||
			echo "    Enroll that key: 'mokutil --import $cert', confirmed at the" \
				"next boot"
		! other=$(trusted_cert) ||
			echo "    Or use $(key_of "$other") and $other, which it trusts:" \
				"as mok_signing_key= and mok_certificate= in" \
				"/etc/dkms/framework.conf for DKMS, as KEY= and CERT= for 'make sign'"
		return 1
	fi
}
