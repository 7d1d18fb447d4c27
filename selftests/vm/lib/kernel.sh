# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# The kernels the lab boots and builds against, by name:
#
#   test           the kernel under test, as $KERNEL says; also the host VM's
#   debug          the same, looking for mistakes
#   clang          the same without Rust, built by clang with ThinLTO and kCFI
#   vendor-SERIES  an older series, without Rust, that a patch beside this has given the defect
#   fixed          the kernel under test, with the fix
#   inlined        linux 6.18 so, where polling clears the banks without a call that can be hooked
#   stock          Debian's own newest kernel, which has the fix
#   debian-VERSION Debian's own cloud kernel of that release or series

# use_source SPEC: a version, a tree or a tarball. Sets KERNEL_TREE, KERNEL_ID and KERNEL_SRC (as
# the sysroot sees it).
use_source()
{
	KERNEL_TREE=
	if [ -d "$1" ]; then
		[ -d "$1/arch/x86" ] || die "KERNEL=$1 is not a kernel source tree"
		KERNEL_TREE=$(realpath "$1")
		KERNEL_ID=tree-$(echo "$KERNEL_TREE" | sha256sum | cut -c 1-8)
		KERNEL_SRC=/tree
	elif [ -f "$1" ]; then
		KERNEL_ID=tarball-$(sha256sum < "$1" | cut -c 1-8)
		KERNEL_SRC=/cache/src/linux-$KERNEL_ID
	elif [[ $1 =~ ^[0-9]+\.[0-9]+(\.[0-9]+)?$ ]]; then
		KERNEL_ID=$1
		KERNEL_SRC=/cache/src/linux-$1
	else
		die "KERNEL=$1 is neither a version (like 6.19.8) nor a tree nor a tarball"
	fi
}

# use_kernel NAME: sets, beside what use_source does, KERNEL_NAME, KERNEL_CONFIG, KERNEL_MAKE,
# KERNEL_PATCH, KERNEL_BASE, KERNEL_OBJ, where it is built, and KERNEL_OUT, where what is built for
# it is (both as the sysroot sees them).
use_kernel()
{
	local spec=$KERNEL variants=$1 fragment key

	KERNEL_NAME=$1
	KERNEL_MAKE=()
	KERNEL_PATCH=
	KERNEL_OUT=/repo/build/kernels/$1
	KERNEL_BASE=
	case $1 in
	fixed)
		derive_kernel "$1" test revert-smca-check.patch -R
		return ;;
	inlined)
		derive_kernel "$1" vendor-6.18 inlined.patch
		return ;;
	test)
		variants=host ;;
	clang)
		variants="norust clang" KERNEL_MAKE=(LLVM=1) ;;
	vendor-*)
		variants="norust $1"
		spec=${VENDOR_SOURCE[$1]} KERNEL_PATCH=$TOP/selftests/vm/kernels/$1.patch ;;
	stock | debian-*)
		use_stock "$1"
		return ;;
	esac
	use_source "$spec"
	if [ -n "$KERNEL_PATCH" ]; then
		KERNEL_ID=$1-$(sha256sum < "$KERNEL_PATCH" | cut -c 1-8)
		KERNEL_SRC=/cache/src/linux-$KERNEL_ID
	fi
	KERNEL_CONFIG=(/repo/selftests/config /repo/selftests/vm/kernels/config)
	for fragment in $variants; do
		KERNEL_CONFIG+=("/repo/selftests/vm/kernels/config.$fragment")
	done
	key=$(cat "${KERNEL_CONFIG[@]/#\/repo/$TOP}" <(echo "$SUITE") | sha256sum | cut -c 1-8)
	KERNEL_OBJ=/cache/kernel/$KERNEL_ID-${variants##* }-$key
}

# derive_kernel NAME BASE PATCH [OPTION]: another kernel, of which patch changes one file. Sets
# KERNEL_FROM, the name of the other, and KERNEL_DELTA, what to tell patch, too.
derive_kernel()
{
	use_kernel "$2"
	KERNEL_NAME=$1 KERNEL_OUT=/repo/build/kernels/$1 KERNEL_FROM=$2 KERNEL_BASE=$KERNEL_OBJ
	KERNEL_DELTA=("${@:4}" -i "$TOP/selftests/vm/kernels/$3")
	KERNEL_OBJ+=-$1-$(sha256sum < "$TOP/selftests/vm/kernels/$3" | cut -c 1-8)
}

# Where the tree and what is built of it are on this machine.
kernel_src_dir()
{
	printf '%s\n' "${KERNEL_TREE:-$CACHE${KERNEL_SRC#/cache}}"
}

kernel_obj_dir()
{
	printf '%s\n' "$CACHE${KERNEL_OBJ#/cache}"
}

# The release that was built, whatever it was asked for as.
kernel_release()
{
	cat "$(kernel_obj_dir)/include/config/kernel.release"
}

# get_kernel_source: after use_kernel, with the sysroot there
get_kernel_source()
{
	if [[ $KERNEL_ID == tarball-* ]]; then
		rm -rf "$CACHE/src.partial"
		mkdir -p "$CACHE/src" "$CACHE/src.partial" &&
			cp "$KERNEL" "$CACHE/src.partial/given" && unpack given "$KERNEL_ID"
	elif [ -n "$KERNEL_PATCH" ]; then
		fetch_source "${VENDOR_SOURCE[$KERNEL_NAME]}" "$KERNEL_ID" "$KERNEL_PATCH"
	else
		fetch_source "$KERNEL_ID" "$KERNEL_ID"
	fi
}

kernel_steps()
{
	echo "$(grep -c '^  [A-Z]' "$BUILD/setup/kernel-$KERNEL_NAME.log") objects"
}

make_kernel()
{
	in_sysroot make -C "$KERNEL_SRC" O="$KERNEL_OBJ" "${KERNEL_MAKE[@]}" -j"$(nproc)" \
		bzImage modules
}

# One that differs in a file from another: from what has been built of that, in its place, since
# what is built knows where it is.
build_derived()
{
	local file KERNEL_OBJ=$KERNEL_BASE IN_SYSROOT

	file=$(sed -n 's|^+++ b/||p' "${KERNEL_DELTA[-1]}")
	IN_SYSROOT=(--ro-bind "$1/changed.c" "$KERNEL_SRC/$file" --bind "$1" "$KERNEL_BASE")
	cp -a "$CACHE${KERNEL_BASE#/cache}/." "$1/" && rm "$1/.built" &&
		patch -s -o "$1/changed.c" "${KERNEL_DELTA[@]}" "$(kernel_src_dir)/$file" &&
		make_kernel && sed -i "s|$KERNEL_BASE|/cache${1#"$CACHE"}|" "$1/Makefile" &&
		touch "$1/.built"
}

build_kernel()
{
	local obj

	obj=$(kernel_obj_dir)
	mkdir -p "$obj"
	if [ -n "$KERNEL_BASE" ]; then
		build_derived "$obj"
		return
	fi
	if [ ! -e "$obj/.configured" ]; then
		in_sysroot env "${KERNEL_MAKE[@]}" \
			/repo/selftests/vm/in-sysroot/configure-kernel.sh "$KERNEL_SRC" \
			"$KERNEL_OBJ" "${KERNEL_CONFIG[@]}" && touch "$obj/.configured" || return
	fi
	make_kernel && touch "$obj/.built"
}
