#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build-for-kernel.sh KERNEL: builds what the VMs and guests of that kernel need beside it: the
# module, by way of the project's own Makefile and its preflight, the tests, and the guest's user
# space. A line about how it went, or what went wrong.

source "$(dirname "$0")/../lib/lab.sh"
source "$TOP/selftests/vm/lib/core.sh"

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

# copy_project DIR: what the module is built from, and nothing of what has been built elsewhere;
# what has been built there stays
copy_project()
{
	mkdir -p "$TOP${KERNEL_OUT#/repo}/$1" &&
		in_sysroot rsync -a --delete --exclude-from=/repo/rust/install/built-here \
			/repo/Makefile /repo/Kbuild /repo/dkms.conf /repo/rust "$KERNEL_OUT/$1/"
}

# make_module DIR [VARIABLE=VALUE...]: in a copy of the project, as people do: MO= of kbuild, which
# keeps what is built out of it, came with 6.13.
make_module()
{
	in_sysroot make -C "$KERNEL_OUT/$1" KDIR="$KERNEL_OBJ" "${@:2}"
}

# copy_module DIR: a copy to build it in once more, with the core of what has been built
copy_module()
{
	copy_project "$1" && take_core "$TOP${KERNEL_OUT#/repo}"/{module,"$1"}
}

# Where there is no KUnit, the module tests itself.
build_selftest()
{
	copy_module selftest && make_module selftest SELFTEST=1 "$@"
}

# A module that panics when it is loaded.
build_panic()
{
	copy_module panic &&
		sed -i 's/let cpu = Cpu::boot();/&\n        panic!("on purpose");/' \
			"$TOP${KERNEL_OUT#/repo}/panic/rust/guard.rs" &&
		make_module panic
}

# What makes ftrace fail.
build_overwrite()
{
	in_sysroot rsync -a /repo/selftests/vm/in-host-vm/overwrite "$KERNEL_OUT/" &&
		in_sysroot make -C "$KERNEL_OBJ" M="$KERNEL_OUT/overwrite" modules
}

# The initramfs, and one more for the guest that loads its own kernel as a crash kernel.
build_initramfs()
{
	in_sysroot /repo/selftests/vm/in-sysroot/build-initramfs.sh "$KERNEL_OUT" || return
	[ "$KERNEL_NAME" != test ] ||
		in_sysroot /repo/selftests/vm/in-sysroot/build-crash-initramfs.sh "$KERNEL_OUT"
}

# From selftests/ into OUT/kselftest, as anybody would. kselftest itself is that of the kernel under
# test; for Debian's, there are its headers and no kernel source to be seen.
install_tests()
{
	local ksft=$KSFT_SRC/tools/testing/selftests IN_SYSROOT=()

	[ "$KERNEL_NAME" != stock ] || ksft='' IN_SYSROOT=(--tmpfs /cache/src)
	in_sysroot make -C /repo/selftests install KDIR="$KERNEL_OBJ" STAGE="$KERNEL_OUT/stage" \
		GUARD="$KERNEL_OUT/module/rust/amd_mce_guard.ko" \
		INSTALL_PATH="$KERNEL_OUT/kselftest" \
		KSFT="$ksft" USERLDFLAGS=-static
}

build_guest()
{
	copy_kernel && copy_project module && make_module module || return
	case $KERNEL_NAME in
	clang | vendor-*)
		build_selftest || return ;;
	test)
		build_overwrite || return
		[ ! -e "$CACHE${NEWER_RUSTC#/cache}/.built" ] ||
			build_selftest RUSTC="$NEWER_RUSTC/rustc" || return ;;
	esac
	[ "$KERNEL_NAME" != vendor-6.12 ] || build_panic || return
	install_tests &&
		in_sysroot gcc -Wall -O2 -shared -fPIC -o "$KERNEL_OUT/no_wait.so" \
			/repo/selftests/vm/in-host-vm/no_wait.c &&
		in_sysroot /repo/selftests/vm/in-sysroot/list-tools.sh \
			> "$TOP${KERNEL_OUT#/repo}/tools" &&
		build_initramfs
}

if unavailable "$1"; then
	echo "$1 done"
	exit
fi
use_kernel test
readonly KSFT_SRC=$KERNEL_SRC
use_kernel "$1"
log=$BUILD/setup/guest-$1.log
if ! build_guest > "$log" 2>&1; then
	tail -n 10 "$log"
	echo "$1: see $log"
	# What xargs needs to go no further.
	exit 255
fi
echo "$1 done"
