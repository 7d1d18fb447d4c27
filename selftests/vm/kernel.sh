# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The kernels the lab boots and builds against.

# use_kernel SPEC: SPEC is a version, a tree or a tarball. Sets KERNEL_ID, KERNEL_SRC and
# KERNEL_OBJ (both as the sysroot sees them).
use_kernel()
{
	local key

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
	key=$(cat "$TOP/selftests/config" <(echo "$SUITE") | sha256sum | cut -c 1-8)
	KERNEL_OBJ=/cache/kernel/$KERNEL_ID-$key
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

# get_kernel_source SPEC: after use_kernel, with the sysroot there
get_kernel_source()
{
	if [ -f "$1" ]; then
		rm -rf "$CACHE/src.partial"
		mkdir -p "$CACHE/src" "$CACHE/src.partial" &&
			cp "$1" "$CACHE/src.partial/given" && unpack given "$KERNEL_ID"
	else
		fetch_source "$KERNEL_ID"
	fi
}

kernel_steps()
{
	echo "$(grep -c '^  [A-Z]' "$BUILD/setup/kernel.log") objects"
}

build_kernel()
{
	local obj

	obj=$(kernel_obj_dir)
	mkdir -p "$obj"
	if [ ! -e "$obj/.configured" ]; then
		in_sysroot "$INSIDE/configure-kernel.sh" "$KERNEL_SRC" "$KERNEL_OBJ" &&
			touch "$obj/.configured" || return
	fi
	in_sysroot make -C "$KERNEL_SRC" O="$KERNEL_OBJ" -j"$(nproc)" bzImage modules &&
		touch "$obj/.built"
}

# The tree that modules for Debian's own kernel of the series are built in.
use_stock()
{
	STOCK_OBJ=/cache/kernel/debian-$1
	STOCK_DIR=$CACHE${STOCK_OBJ#/cache}
}

# prepare_stock SERIES: makes that tree from linux-source-SERIES, with the configuration and the
# symbols of the headers package of the same version.
prepare_stock()
{
	rm -rf "$STOCK_DIR"
	mkdir -p "$STOCK_DIR"
	in_sysroot --rw apt-get update &&
		in_sysroot "$INSIDE"/prepare-stock.sh "$1" "$STOCK_OBJ" &&
		touch "$STOCK_DIR/.built"
}
