#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make sign, and what a stock kernel under Secure Boot makes of it.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"
source "$TOP/selftests/vm/secureboot.sh"

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

# signed_by OWNER: with that key, which is made
signed_by()
{
	make_owner "$IN_WORK" "$1" || return
	rm -rf "${WORK:?}/$1"
	sign "$1" KEY="$IN_WORK/MOK.priv" CERT="$IN_WORK/MOK.der" &&
		[ "$(in_sysroot modinfo -F signer "$IN_WORK/$1/rust/amd_mce_guard.ko")" = "$1" ]
}

under_secure_boot()
{
	signed_by stranger && signed_by owner && trust_owner "$IN_WORK" || return
	SECURE_BOOT=$IN_WORK run_vm "$WORK/vm" signing "$AMD_CPU" MODULES=$IN_WORK || {
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

mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 9
test_with stock "signs with a given key" signed_by somebody
test_with stock "does not sign twice" refuses "is signed by 'somebody'; build it again" \
	sign somebody KEY=$IN_WORK/MOK.priv CERT=$IN_WORK/MOK.der
test_with stock "without a key, says how to make and enroll one" refuses \
	"no key to sign with.*openssl req.*mokutil --import" sign none
test_with stock "without CONFIG_MODULE_SIG, says so" refuses "no /repo/scripts/sign-file" \
	in_sysroot env KEY=$IN_WORK/MOK.priv CERT=$IN_WORK/MOK.der \
	rust/install/sign.sh /repo "$KERNEL_OUT/module/rust/amd_mce_guard.ko"
test_with stock "a stock kernel boots with Secure Boot, and is locked down" under_secure_boot
test_with stock "there, a module that is not signed is refused in words" in_vm \
	'unsigned: .*Key was rejected by service.*Loading of unsigned module is rejected'
test_with stock "so is one that somebody else has signed" in_vm \
	'stranger: .*Key was rejected by service'
test_with stock "one that the machine's owner has signed loads" in_vm \
	'owner: loaded.*amd_mce_guard: guarding'
test_with stock "and does not taint the kernel as unsigned" in_vm '^taints: O$'
