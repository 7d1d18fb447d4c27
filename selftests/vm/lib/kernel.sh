# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# Making the kernels of kernels.sh.

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

# use_kernel NAME: that one of kernels.sh. Sets KERNEL_NAME, what use_source does, KERNEL_OBJ, where
# it is built, and KERNEL_OUT, where what is built for it is (both as the sysroot sees them), and
# what build_kernel needs: KERNEL_BASE, KERNEL_CONFIG, KERNEL_MAKE, KERNEL_PATCH.
use_kernel()
{
	local how

	read -ra how <<< "${HOW[$1]}"
	KERNEL_NAME=$1 KERNEL_OUT=/repo/build/kernels/$1
	KERNEL_BASE='' KERNEL_PATCH='' KERNEL_MAKE=()
	"use_${how[0]}" "${how[@]:1}"
}

use_built()
{
	local name=$1 source=$2 patch=$3 fragment key

	KERNEL_MAKE=("${@:5}")
	use_source "${source/#under-test/$KERNEL}"
	if [ "$patch" != none ]; then
		KERNEL_PATCH=$TOP/selftests/vm/kernels/$patch
		KERNEL_ID=$name-$(cat "$KERNEL_PATCH" <(echo "$source") | sha256sum | cut -c 1-8)
		KERNEL_SRC=/cache/src/linux-$KERNEL_ID
	fi
	KERNEL_CONFIG=(/repo/selftests/config /repo/selftests/vm/kernels/config)
	for fragment in ${4//,/ }; do
		KERNEL_CONFIG+=("/repo/selftests/vm/kernels/config.$fragment")
	done
	key=$(cat "${KERNEL_CONFIG[@]/#\/repo/$TOP}" <(echo "$SUITE") | sha256sum | cut -c 1-8)
	KERNEL_OBJ=/cache/kernel/$KERNEL_ID-$fragment-$key
}

use_unbuilt()
{
	use_source "$2"
	KERNEL_OBJ=none
}

# Sets KERNEL_FROM, the name of the other, and KERNEL_DELTA, what to tell patch, too.
use_derived()
{
	local patch=$TOP/selftests/vm/kernels/$3

	use_kernel "$2"
	KERNEL_NAME=$1 KERNEL_OUT=/repo/build/kernels/$1 KERNEL_FROM=$2 KERNEL_BASE=$KERNEL_OBJ
	KERNEL_DELTA=("${@:4}" -i "$patch")
	KERNEL_OBJ+=-$1-$(sha256sum < "$patch" | cut -c 1-8)
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
	local how

	if [[ $KERNEL_ID == tarball-* ]]; then
		rm -rf "$CACHE/src.partial"
		mkdir -p "$CACHE/src" "$CACHE/src.partial" &&
			cp "$KERNEL" "$CACHE/src.partial/given" && unpack given "$KERNEL_ID"
	elif [ -n "$KERNEL_PATCH" ]; then
		read -ra how <<< "${HOW[$KERNEL_NAME]}"
		fetch_source "${how[2]}" "$KERNEL_ID" "$KERNEL_PATCH"
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
	local file made=$1.partial KERNEL_OBJ=$KERNEL_BASE IN_SYSROOT

	rm -rf "$1" "$made"
	cp -a "$CACHE${KERNEL_BASE#/cache}" "$made" && rm "$made/.built" &&
		mv "$made" "$1" || return
	file=$(sed -n 's|^+++ b/||p' "${KERNEL_DELTA[-1]}")
	IN_SYSROOT=(--ro-bind "$1/changed.c" "$KERNEL_SRC/$file" --bind "$1" "$KERNEL_BASE")
	patch -s -o "$1/changed.c" "${KERNEL_DELTA[@]}" "$(kernel_src_dir)/$file" &&
		make_kernel && sed -i "s|$KERNEL_BASE|/cache${1#"$CACHE"}|" "$1/Makefile" &&
		touch "$1/.built"
}

build_kernel()
{
	local obj

	obj=$(kernel_obj_dir)
	if [ -n "$KERNEL_BASE" ]; then
		build_derived "$obj"
		return
	fi
	mkdir -p "$obj"
	if [ ! -e "$obj/.configured" ]; then
		in_sysroot env "${KERNEL_MAKE[@]}" \
			/repo/selftests/vm/in-sysroot/configure-kernel.sh "$KERNEL_SRC" \
			"$KERNEL_OBJ" "${KERNEL_CONFIG[@]}" && touch "$obj/.configured" || return
	fi
	make_kernel && touch "$obj/.built"
}
