#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In a VM whose time is its instructions: what a poll costs beside each of $BESIDE, in turn. Each is
# a module that is loaded, measured and unloaded again; "none" is none.

# shellcheck disable=SC2153 # from the kernel command line
for beside in ${BESIDE//,/ }; do
	case $beside in
	none) module='' ;;
	guard) module=$OUT/module/rust/amd_mce_guard.ko ;;
	*) module=$OUT/bench-modules/test_mce_bench_$beside.ko ;;
	esac
	[ -z "$module" ] || insmod "$module" || exit
	echo "beside $beside"
	dmesg -C
	# It measures and does not stay.
	insmod "$OUT/bench-modules/test_mce_bench.ko" 2> /dev/null
	dmesg | sed -n 's/.*test_mce_bench: //p'
	[ -z "$module" ] || rmmod "$(basename "$module" .ko)" || exit
done
