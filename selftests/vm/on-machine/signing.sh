#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make sign, and what a stock kernel under Secure Boot makes of it.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/secureboot.sh"

readonly WORK="$BUILD/check/signing"
readonly IN_WORK=/repo/build/check/signing
use_kernel stock

# sign NAME [VARIABLE=VALUE...]: make it, in WORK/NAME
sign()
{
	mkdir -p "$WORK/$1/rust"
	cp -n "$TOP${KERNEL_OUT#/repo}/module/rust/amd_mce_guard.ko" "$WORK/$1/rust/"
	in_sysroot make -C /repo sign KDIR="$KERNEL_OBJ" MO="$IN_WORK/$1" "${@:2}"
}

# signed_by OWNER: with that key, which is made in WORK/OWNER
signed_by()
{
	mkdir -p "$WORK/$1"
	make_owner "$IN_WORK/$1" "$1" &&
		sign "$1" KEY="$IN_WORK/$1/MOK.priv" CERT="$IN_WORK/$1/MOK.der" &&
		[ "$(in_sysroot modinfo -F signer "$IN_WORK/$1/rust/amd_mce_guard.ko")" = "$1" ]
}

# as_user COMMAND...: in the sysroot, as an ordinary user if there is another than this one
as_user()
{
	if [ "$(id -u)" -eq 0 ]; then
		in_sysroot setpriv --reuid=1000 --regid=1000 --clear-groups "$@"
	else
		in_sysroot "$@"
	fi
}

# As with sudo, in the tree of somebody else, who has built the module.
by_sudo()
{
	local tree=$IN_WORK/tree

	mkdir -p "$WORK/tree"
	cp -r "$TOP"/{Kbuild,Makefile,dkms.conf,rust} "$WORK/tree" || return
	[ "$(id -u)" -ne 0 ] || chown -R 1000:1000 "$WORK/tree"
	as_user make -C $tree KDIR="$KERNEL_OBJ" &&
		in_sysroot make -C $tree KDIR="$KERNEL_OBJ" sign \
			KEY="$IN_WORK/somebody/MOK.priv" CERT="$IN_WORK/somebody/MOK.der" &&
		in_sysroot make -C $tree KDIR="$KERNEL_OBJ" modules_install \
			INSTALL_MOD_PATH=$tree/root &&
		as_user make -C $tree KDIR="$KERNEL_OBJ" || return
	find "$WORK/tree/root" -name 'amd_mce_guard.ko*' | grep .
}

under_secure_boot()
{
	signed_by stranger && signed_by owner && trust_owner "$IN_WORK/owner" || return
	SECURE_BOOT=$IN_WORK/owner run_vm "$WORK/vm" signing "$AMD_CPU" MODULES=$IN_WORK || {
		cat "$WORK/vm/job.log"
		last_words "$WORK/vm"
		return 1
	}
}

# in_vm PATTERN: the job's log has that line
in_vm()
{
	cat "$WORK/vm/job.log"
	grep -qE "$1" "$WORK/vm/job.log"
}

rm -rf "$WORK"
mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 15
test_with stock "make sign signs with a given key" signed_by somebody
test_with stock "make sign does not sign twice" \
	refuses "is signed by 'somebody'; build it again" \
	sign somebody KEY=$IN_WORK/somebody/MOK.priv CERT=$IN_WORK/somebody/MOK.der
test_with stock "root signs and installs the module that an ordinary user has built" by_sudo
test_with stock "make sign without a key says how to make and enroll one" refuses \
	"no key to sign with.*openssl req.*mokutil --import" sign none
test_with stock "make sign for a kernel without CONFIG_MODULE_SIG says so" \
	refuses "no /repo/scripts/sign-file" \
	in_sysroot env KEY=$IN_WORK/somebody/MOK.priv CERT=$IN_WORK/somebody/MOK.der \
	rust/install/sign.sh /repo "$KERNEL_OUT/module/rust/amd_mce_guard.ko"
test_with stock "a stock kernel boots with Secure Boot, and is locked down" under_secure_boot
test_with stock "the locked-down kernel refuses an unsigned module, with the reason" in_vm \
	'unsigned: .*Key was rejected by service.*Loading of unsigned module is rejected'
test_with stock "a module that somebody else has signed is refused" in_vm \
	'stranger: .*Key was rejected by service'
test_with stock "a module that the machine's owner has signed loads" in_vm \
	'owner: loaded.*amd_mce_guard: guarding'
test_with stock "a signed module does not taint the kernel as unsigned" in_vm '^taints: O$'
test_with stock "of two keys, make sign takes the enrolled one, and says that it is trusted" \
	in_vm \
	"both: .* signed by 'owner' \(.*mok.pub\), a key that this kernel trusts"
test_with stock "make sign with a key that is not enrolled says how to enroll it" in_vm \
	"other: .* signed by 'stranger' .*'mokutil --import /var/lib/shim-signed/mok/MOK.der'"
test_with stock "the package says that a module signed with the other key will not load" in_vm \
	"report: .*WILL NOT LOAD its module: signed by 'stranger' .*mokutil --import"
test_with stock "the package names the key that the kernel trusts" in_vm \
	"report: .*Or use /var/lib/dkms/mok.key .* in /etc/dkms/framework.conf"
test_with stock "the package says that a module signed with the enrolled key is trusted" in_vm \
	"report: .* built for linux .* signed by 'owner' .* trusts"
