#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The C fix for vendors' kernels that have the defect: it applies, and asks for SMCA.

source "$(dirname "$0")/../lib/suite.sh"

readonly WORK="$BUILD/check/backport"
readonly FILE=arch/x86/kernel/cpu/mce/amd.c

amd_clear_bank()
{
	sed -n '/^void amd_clear_bank/,/^}/p' "$WORK/$1/$FILE"
}

# mends SERIES: what did not ask does
mends()
{
	use_kernel "vendor-$1"
	mkdir -p "$WORK/$1/${FILE%/*}" &&
		cp "$(kernel_src_dir)/$FILE" "$WORK/$1/$FILE" &&
		amd_clear_bank "$1" | grep DESTAT && ! amd_clear_bank "$1" | grep mce_flags.smca &&
		patch -p1 -d "$WORK/$1" < "$TOP/rust/upstream/backport/$1.patch" &&
		amd_clear_bank "$1" | grep mce_flags.smca
}

rm -rf "$WORK"
mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 2
for series in 6.12 6.18; do
	test_that "the C fix for linux $series applies to one with the defect and mends it" \
		mends $series
done
