#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Gets everything the lab needs. What is there already is left as it is, so an interrupted run is
# simply run again. KERNEL=<version|tree|tarball> chooses the kernel under test. By itself this gets
# it all and stops; scripts that go on from there source it and call setup.

source "$(dirname "${BASH_SOURCE[0]}")/lib/lab.sh"
source "$TOP/selftests/vm/lib/cleanroot.sh"

readonly LOGS="$BUILD/setup"
# What a cold run leaves in the cache, and what it needs on the way, in MB.
readonly DISK_NEEDED=20000

todo=()
need()
{
	[[ " ${todo[*]} " == *" $1 "* ]] || todo+=("$1")
}

# plan_kernel NAME: which stages that kernel still needs
plan_kernel()
{
	use_kernel "$1"
	if [ -n "$KERNEL_BASE" ]; then
		if [ ! -e "$(kernel_obj_dir)/.built" ]; then
			plan_kernel "$KERNEL_FROM"
			need "kernel:$1"
		fi
		return
	fi
	if [[ ${HOW[$1]} == debian* ]]; then
		# They bring what they need of a source.
		[ -e "$(stock_dir)/.built" ] || need "kernel:$1"
		return
	fi
	[[ -n $KERNEL_TREE || -d $(kernel_src_dir) ]] || need "source:$1"
	[[ ${HOW[$1]} != unbuilt* ]] || return 0
	# Somebody works in a tree of his own: make knows what is new.
	[[ -z $KERNEL_TREE && -e $(kernel_obj_dir)/.built ]] || need "kernel:$1"
}

# plan KERNEL...: by their names; what goes into their guests is always looked at, and comes last
plan()
{
	local kernel

	[ -d "$SYSROOT" ] || need sysroot:
	for kernel; do
		[[ $kernel == cleanroot || $kernel == newer-rustc ]] || plan_kernel "$kernel"
	done
	use_cleanroot
	[[ " $* " != *" cleanroot "* || -d $CLEANROOT ]] || need cleanroot:
	[[ " $* " != *" newer-rustc "* || -e $CACHE${NEWER_RUSTC#/cache}/.built ]] || need rustc:
	need guests:
}

run_stage()
{
	[ -z "${1#*:}" ] || use_kernel "${1#*:}"
	case $1 in
	sysroot:)
		stage "Debian $SUITE sysroot" "$LOGS/sysroot.log" sysroot_size make_sysroot ;;
	source:*)
		# Another kernel of the same source may have fetched it.
		[ ! -d "$(kernel_src_dir)" ] || { STAGES=$((STAGES - 1)) && return; }
		stage "source of linux $KERNEL_ID" "$LOGS/source-$KERNEL_ID.log" download_size \
			get_kernel_source
		sed -n 's/^NOTE: /      /p' "$LOGS/source-$KERNEL_ID.log" ;;
	kernel:stock | kernel:debian-*)
		stage "Debian's linux $KERNEL_ID and what modules are built against" \
			"$LOGS/kernel-$KERNEL_NAME.log" no_count prepare_stock ;;
	kernel:*)
		stage "kernel $KERNEL_ID, $KERNEL_NAME" "$LOGS/kernel-$KERNEL_NAME.log" \
			kernel_steps build_kernel ;;
	cleanroot:)
		stage "Debian $SUITE to install the package in" "$LOGS/cleanroot.log" \
			sysroot_size make_cleanroot ;;
	rustc:)
		stage "a newer rustc" "$LOGS/rustc.log" no_count make_newer_rustc ;;
	guests:)
		stage "module, tests and guest for ${GUESTS[*]}" "$LOGS/guests.log" \
			guests_built build_guests ;;
	esac
}

guests_built()
{
	echo "$(grep -c ' done$' "$LOGS/guests.log") of ${#GUESTS[@]} done"
}

# build_guests: those of GUESTS, as many at a time as there are CPUs; and the doctor
build_guests()
{
	in_sysroot make -s -C /repo build/doctor/amd-mce-guard-doctor || return
	printf '%s\n' "${GUESTS[@]}" |
		xargs -P "$(nproc)" -n 1 "$TOP/selftests/vm/on-machine/build-for-kernel.sh"
}

check_disk()
{
	local free

	[[ ${todo[0]} != guests: ]] || return 0
	free=$(df --output=avail -m "$CACHE" | tail -n 1)
	[ "$free" -ge $DISK_NEEDED ] || [ -d "$SYSROOT" ] ||
		die "$CACHE needs $DISK_NEEDED MB and its disk has $free MB left: free some," \
			"or let XDG_CACHE_HOME name a larger disk"
}

# Others who want nothing but to use the cache may do so meanwhile, if nothing is missing there.
lock_cache()
{
	open_lock "$CACHE" CACHE_LOCK
	take_lock "$CACHE_LOCK" "$CACHE" -s
	plan "$@"
	[[ ${todo[0]} != guests: ]] || return 0
	take_lock "$CACHE_LOCK" "$CACHE"
	rm -rf --one-file-system "$CACHE"/*.partial "$CACHE"/src/*.partial
	todo=()
	plan "$@"
}

# setup KERNEL...: as for plan. The caller has build/ to itself from here on, and shares the cache.
setup()
{
	local step

	mapfile -t GUESTS < <(printf '%s\n' "$@" | grep -vx 'cleanroot\|newer-rustc\|newest')
	open_lock "$BUILD" BUILD_LOCK
	take_lock "$BUILD_LOCK" "$BUILD"
	need_tools mmdebstrap:mmdebstrap bwrap:bubblewrap patch:patch
	[ "$(id -u)" -eq 0 ] || need_tools newuidmap:uidmap
	lock_cache "$@"
	check_disk
	STAGES=${#todo[@]}
	for step in "${todo[@]}"; do
		run_stage "$step"
	done
	take_lock "$CACHE_LOCK" "$CACHE" -s
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	setup "${KERNELS[@]}" cleanroot newer-rustc
fi
