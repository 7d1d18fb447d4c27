#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Gets everything the lab needs. What is there already is left as it is, so an interrupted run is
# simply run again. KERNEL=<version|tree|tarball> chooses the kernel under test. By itself this gets
# it all and stops; scripts that go on from there source it and call setup.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

readonly LOGS="$BUILD/setup"
# What a cold run leaves in the cache, and what it needs on the way, in MB.
readonly DISK_NEEDED=10000

todo=()
need()
{
	todo+=("$1")
}

# plan_kernel: which stages the kernel under test still needs
plan_kernel()
{
	local obj

	obj=$(kernel_obj_dir)
	if [ -n "$KERNEL_TREE" ]; then
		# Somebody works in that tree: make knows what is new.
		need kernel
		return
	fi
	[ -d "$(kernel_src_dir)" ] || need source
	[ -e "$obj/.built" ] || need kernel
}

plan()
{
	[ -d "$SYSROOT" ] || need sysroot
	plan_kernel
	if [ "${1:-}" = --stock ]; then
		[ -d "$(source_dir $STOCK_SERIES)" ] || need stock_source
		[ -e "$STOCK_DIR/.built" ] || need stock
	fi
	need module
	need initramfs
}

run_stage()
{
	case $1 in
	sysroot)
		stage "Debian $SUITE sysroot" "$LOGS/sysroot.log" sysroot_size make_sysroot ;;
	source)
		stage "source of linux $KERNEL_ID" "$LOGS/source.log" download_size \
			get_kernel_source "$KERNEL"
		sed -n 's/^NOTE: /      /p' "$LOGS/source.log" ;;
	kernel)
		stage "kernel $KERNEL_ID" "$LOGS/kernel.log" kernel_steps build_kernel ;;
	stock_source)
		stage "source of linux $STOCK_SERIES" "$LOGS/stock-source.log" download_size \
			fetch_source $STOCK_SERIES ;;
	stock)
		stage "tree for Debian's linux $STOCK_SERIES" "$LOGS/stock.log" no_count \
			prepare_stock $STOCK_SERIES ;;
	module)
		stage "module amd_mce_guard" "$LOGS/module.log" no_count \
			build_module "$KERNEL_OBJ" module ;;
	initramfs)
		stage "guest" "$LOGS/initramfs.log" no_count build_initramfs ;;
	esac
}

check_disk()
{
	local free

	[ "${todo[0]}" != module ] || return 0
	free=$(df --output=avail -m "$CACHE" | tail -n 1)
	[ "$free" -ge $DISK_NEEDED ] || [ -d "$SYSROOT" ] ||
		die "$CACHE needs $DISK_NEEDED MB and its disk has $free MB left: free some," \
			"or let XDG_CACHE_HOME name a larger disk"
}

# setup [--stock]: with it, also the tree for building against Debian's newest kernel. The caller
# has build/ and the cache to itself from here on; when this returns it shares the cache again.
setup()
{
	take_lock "$BUILD" BUILD_LOCK
	take_lock "$CACHE" CACHE_LOCK
	rm -rf "$CACHE"/*.partial "$CACHE"/src/*.partial
	need_tools mmdebstrap:mmdebstrap bwrap:bubblewrap patch:patch
	[ "$(id -u)" -eq 0 ] || need_tools newuidmap:uidmap
	use_kernel "$KERNEL"
	use_stock "$STOCK_SERIES"
	plan "$@"
	check_disk
	STAGES=${#todo[@]}
	for step in "${todo[@]}"; do
		run_stage "$step"
	done
	share_lock "$CACHE_LOCK"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	setup --stock
fi
