# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# The kernels the lab boots and builds against, by name:
#
#   test      the kernel under test, as $KERNEL says; also the host VM's
#   debug     the same, looking for mistakes; cfi: the same, built by clang, checking calls
#   fixed     the stock series, which has the fix; reverted: the same with the fix taken out
#   norust    the one under test without CONFIG_RUST
#   stock     Debian's own build of that series; debian-VERSION: of that vulnerable release

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
# KERNEL_OBJ, where it is built, KERNEL_GUARD, how the module is built for it, and KERNEL_OUT, where
# what is built for it is (both as the sysroot sees them).
use_kernel()
{
	local spec=$KERNEL variant=host fragment key

	KERNEL_NAME=$1
	KERNEL_MAKE=()
	KERNEL_OUT=/repo/build/kernels/$1
	case $1 in
	debug)
		variant=debug ;;
	cfi)
		variant=cfi KERNEL_MAKE=(LLVM=1) ;;
	fixed | reverted | stock)
		spec=$STOCK_SERIES ;;
	debian-*)
		spec=${1#debian-} ;;
	esac
	use_source "$spec"
	KERNEL_CONFIG=()
	for fragment in config vm/config "vm/config.$variant"; do
		KERNEL_CONFIG+=("/repo/selftests/$fragment")
	done
	key=$(cat "${KERNEL_CONFIG[@]/#\/repo/$TOP}" <(echo "$SUITE") | sha256sum | cut -c 1-8)
	[[ $1 != reverted && $1 != norust ]] || variant=$1
	KERNEL_OBJ=/cache/kernel/$KERNEL_ID-$variant-$key
	KERNEL_BASE=/cache/kernel/$KERNEL_ID-host-$key
	KERNEL_GUARD=()
	[[ $1 != norust && $1 != debian-* ]] ||
		KERNEL_GUARD=(SELF_CONTAINED=1 "XDG_CACHE_HOME=$KERNEL_OBJ")
	[[ $1 != stock && $1 != debian-* ]] || use_stock "$1"
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
	else
		fetch_source "$KERNEL_ID"
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

build_kernel()
{
	local obj

	obj=$(kernel_obj_dir)
	mkdir -p "$obj"
	if [ ! -e "$obj/.configured" ]; then
		in_sysroot env "${KERNEL_MAKE[@]}" "$INSIDE/configure-kernel.sh" "$KERNEL_SRC" \
			"$KERNEL_OBJ" "${KERNEL_CONFIG[@]}" && touch "$obj/.configured" || return
	fi
	make_kernel && touch "$obj/.built"
}

# The fixed kernel as it was built, with one file of it compiled again from source without the fix,
# which takes the place of the one with it as long as that takes.
build_reverted_kernel()
{
	local obj amd=arch/x86/kernel/cpu/mce/amd.c

	obj=$(kernel_obj_dir)
	rm -rf "$obj"
	cp -a "$CACHE${KERNEL_BASE#/cache}" "$obj" && rm "$obj/.built" &&
		patch -s -o "$obj/reverted-amd.c" "$(kernel_src_dir)/$amd" \
			"$TOP/selftests/vm/revert-smca-check.patch" || return
	IN_SYSROOT=(--ro-bind "$obj/reverted-amd.c" "$KERNEL_SRC/$amd")
	make_kernel && touch "$obj/.built"
}
