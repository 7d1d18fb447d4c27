#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh KERNEL: builds what the VMs and guests of that kernel need beside it: the module, by way
# of the project's own Makefile and its preflight, the tests, and the guest's user space. A line
# about how it went, or what went wrong.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lab.sh"

copy_kernel()
{
	local out=$TOP${KERNEL_OUT#/repo}

	mkdir -p "$out"
	case $KERNEL_NAME in
	stock)
		cp "$(stock_dir)"/{bzImage,initrd} "$out/" ;;
	debian-*)
		cp "$(stock_dir)/bzImage" "$out/" ;;
	*)
		cp "$(kernel_obj_dir)/arch/x86/boot/bzImage" "$out/" ;;
	esac
}

# From selftests/ into OUT/kselftest, as anybody would; for Debian's kernel by its headers, without
# any kernel source to be seen.
install_tests()
{
	local ksft=$KERNEL_SRC/tools/testing/selftests IN_SYSROOT=()

	[ "$KERNEL_NAME" != stock ] || ksft='' IN_SYSROOT=(--tmpfs /cache/src)
	in_sysroot make -C /repo/selftests install KDIR="$KERNEL_OBJ" STAGE="$KERNEL_OUT/stage" \
		GUARD="$KERNEL_OUT/module/rust/amd_mce_guard.ko" \
		INSTALL_PATH="$KERNEL_OUT/kselftest" \
		KSFT="$ksft" USERLDFLAGS=-static
}

build_guest()
{
	copy_kernel &&
		in_sysroot make -C /repo KDIR="$KERNEL_OBJ" MO="$KERNEL_OUT/module" \
			"${KERNEL_GUARD[@]}" &&
		install_tests &&
		in_sysroot gcc -Wall -O2 -shared -fPIC -o "$KERNEL_OUT/no_wait.so" \
			/repo/selftests/vm/jobs/no_wait.c &&
		in_sysroot "$INSIDE"/list-tools.sh > "$TOP${KERNEL_OUT#/repo}/tools" &&
		in_sysroot "$INSIDE"/build-initramfs.sh "$KERNEL_OUT"
}

if unavailable "$1"; then
	echo "$1 done"
	exit
fi
use_kernel "$1"
log=$BUILD/setup/guest-$1.log
if ! build_guest > "$log" 2>&1; then
	tail -n 10 "$log"
	echo "$1: see $log"
	# What xargs needs to go no further.
	exit 255
fi
echo "$1 done"
