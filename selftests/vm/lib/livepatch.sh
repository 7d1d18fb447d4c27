# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The fix as a livepatch of the kernel under test: what the guard is compared with.

readonly FIX=$TOP/selftests/vm/kernels/revert-smca-check.patch
readonly LIVEPATCH_NAME=test_mce_bench_livepatch

# use_livepatch: after use_kernel test. Sets LIVEPATCH_DIR, where it is in the cache: it belongs to
# one configuration of one kernel.
use_livepatch()
{
	LIVEPATCH_DIR=$CACHE/livepatch/$KERNEL_ID-$(cat "$(kernel_obj_dir)/.config" "$FIX" \
		"$TOP/selftests/vm/in-sysroot/build-livepatch.sh" | sha256sum | cut -c 1-8)
}

livepatch_steps()
{
	echo "$(find "$LIVEPATCH_DIR" -name '*.o' -path '*.tree/*' | wc -l) objects"
}

# By klp-build, which builds the whole kernel for it.
build_livepatch()
{
	local dir=/cache${LIVEPATCH_DIR#"$CACHE"} file

	file=$(sed -n 's|^+++ b/||p' "$FIX")
	mkdir -p "$LIVEPATCH_DIR" &&
		patch -s -R -o "$LIVEPATCH_DIR/fixed.c" -i "$FIX" "$(kernel_src_dir)/$file" &&
		in_sysroot nice /repo/selftests/vm/in-sysroot/build-livepatch.sh "$KERNEL_SRC" \
			"$KERNEL_OBJ" "$file" "$dir/fixed.c" "$dir/$LIVEPATCH_NAME.ko" &&
		touch "$LIVEPATCH_DIR/.built"
}
