#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The C fix for vendors' kernels that have the defect: it applies, and asks for SMCA. What a vendor
# has around the write may be what the lab's kernels have, or what 6.19 has.

source "$(dirname "$0")/../lib/suite.sh"

readonly WORK="$BUILD/check/backport"
readonly FILE=arch/x86/kernel/cpu/mce/amd.c

amd_clear_bank()
{
	sed -n '/^void amd_clear_bank/,/^}/p' "$WORK/$1/$FILE"
}

# mends SERIES SOURCE: what did not ask does
mends()
{
	local dir=$WORK/$1

	rm -rf "$dir"
	mkdir -p "$dir/${FILE%/*}" &&
		cp "$2" "$dir/$FILE" &&
		amd_clear_bank "$1" | grep DESTAT && ! amd_clear_bank "$1" | grep mce_flags.smca &&
		git -C "$dir" init -q &&
		git -C "$dir" apply "$TOP/rust/upstream/backport/$1.patch" &&
		amd_clear_bank "$1" | grep mce_flags.smca
}

# mends_as_in_6.19 SERIES WRMSR: the function that writes an MSR has had two names
mends_as_in_6.19()
{
	sed "s/mce_wrmsrq/$2/" "$(use_kernel test; kernel_src_dir)/$FILE" > "$WORK/6.19.c"
	mends "$1" "$WORK/6.19.c"
}

rm -rf "$WORK"
mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 4
for series in 6.12 6.18; do
	test_that "the C fix for linux $series applies to one with the defect and mends it" \
		mends $series "$(use_kernel vendor-$series; kernel_src_dir)/$FILE"
done
test_that "the C fix for linux 6.12 applies to the function as 6.19 has it" \
	mends_as_in_6.19 6.12 mce_wrmsrl
test_that "the C fix for linux 6.18 applies to the function as 6.19 has it" \
	mends_as_in_6.19 6.18 mce_wrmsrq
