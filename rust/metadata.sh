#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# metadata.sh: makes a tree to build the module in, for a kernel whose headers package has no Rust
# metadata, or that was built without Rust; `make rust-metadata` runs it. From the environment:
#
#   KDIR            the headers package's directory; or, where there is none,
#   KERNEL_CONFIG   the kernel's configuration
#   KERNEL_SOURCE   its source: a tree, a tarball, a linux-source package or the name of one
#   IMAGE           the kernel itself, where there is no Module.symvers
#   SELF_CONTAINED  also compile what a module needs that takes nothing from the kernel's Rust
#   CACHE           where the tree ends up, below trees/

# shellcheck source-path=SCRIPTDIR
here=$(dirname "$0")
source "$here/../selftests/vm/progress.sh"
source "$here/kernel-source.sh"

# settings FILE: what is set there, less what it records of tools
settings()
{
	grep ^CONFIG "$1" | grep -vE 'CONFIG_(CC|AS|LD|PAHOLE)_VERSION' | sort
}

configure()
{
	local line

	cp "$config" "$tree/.config"
	[ -z "$self_contained" ] || "$source/scripts/config" --file "$tree/.config" -e RUST
	make -C "$source" O="$tree" "${tools[@]}" olddefconfig || return
	grep -qx CONFIG_RUST=y "$tree/.config" || {
		make -C "$source" O="$tree" "${tools[@]}" rustavailable
		echo "the configuration does not let CONFIG_RUST be set (it must be without"
		echo "CONFIG_MODVERSIONS, or with CONFIG_GENDWARFKSYMS), or there is no Rust"
		return 1
	}
	# With a headers package at hand nothing may be different but what has to be.
	[ -n "${KERNEL_CONFIG:-}" ] || [ -n "$self_contained" ] || {
		line=$(diff <(settings "$config") <(settings "$tree/.config") | grep '^[<>]') ||
			return 0
		printf 'not the configuration of %s any more:\n%s\n' "$config" "$line"
		return 1
	}
}

# Rust objects to take functions from are compiled so that each can be had by itself, and without
# what the kernel's build adds to whole objects; that is added to the module.
prepare()
{
	local version args=()

	version=$(make -s -C "$source" kernelversion)
	version+=$(option LOCALVERSION "$config")
	[ -z "$self_contained" ] ||
		args=(KRUSTFLAGS=-Zfunction-sections=y OBJECT_FILES_NON_STANDARD=y)
	make -C "$source" O="$tree" "${tools[@]}" "${args[@]}" -j"$(nproc)" \
		LOCALVERSION="${release#"$version"}" modules_prepare
}

objects()
{
	echo "$(grep -c '^  [A-Z]' "$logs/prepare.log") objects"
}

# What is exported, for modpost to check the module by.
list_exports()
{
	if [ -n "$symvers" ]; then
		cp "$symvers" "$tree/Module.symvers"
	else
		"$here/doctor/unpack-image.sh" "$IMAGE" > "$tree/image" &&
			"$here/image-exports.sh" "$tree/image" > "$tree/Module.symvers"
	fi
}

# Is what was made that of the kernel? A self-contained module may use C only.
check_tree()
{
	if [ -e "$tree/image" ]; then
		"$here/build/check-layout.sh" "$tree" "$tree/image" "${tools[@]}" || return
		rm "$tree/image"
	fi
	if [ -n "$self_contained" ]; then
		sed -i -E '/\t(_R|rust_)/d' "$tree/Module.symvers"
	else
		"$here/check-hashes.sh" "$tree" "$tree/Module.symvers"
	fi
}

for variable in KERNEL_SOURCE CACHE; do
	[ -n "${!variable:-}" ] || die "rust-metadata needs $variable=, see 'make help'"
done
self_contained=${SELF_CONTAINED:-}
tools=()
# What make was called with is not for the kernel's make.
unset MAKEFLAGS MFLAGS MAKELEVEL
find_config
find_compilers

tree=$CACHE/trees/$release${self_contained:+-self-contained}
logs=$tree.logs
mkdir -p "$logs" || die "cannot write to $CACHE"
exec 9>> "$CACHE/trees/lock"
flock -n 9 || {
	say "another run is at work in $CACHE/trees, waiting for it to finish"
	flock 9
}

# Begun anew each time. What does not come to its end is not for anybody to build on.
drop_unfinished()
{
	stop_ticker
	rm -rf "$tree.source.new" "$tree.source.new.partial"
	[ -e "$tree/amd_mce_guard.mk" ] || rm -rf "$tree" "$tree.source"
}
trap drop_unfinished EXIT
# shellcheck disable=SC2034 # for progress.sh
KEPT='a tree that was there is as it was, or gone; run this again'

STAGES=4
if [ -d "$KERNEL_SOURCE" ]; then
	[ -d "$KERNEL_SOURCE/arch/x86" ] || die "$KERNEL_SOURCE is not a kernel source tree"
	source=$(realpath "$KERNEL_SOURCE")
else
	STAGES=5
	source=$tree.source.new
	stage "source of linux $release" "$logs/source.log" no_count \
		unpack_source "$KERNEL_SOURCE" "$source"
fi
version=$(make -s -C "$source" kernelversion)
[ -n "$version" ] || die "$KERNEL_SOURCE is not a kernel's source: it has no version"
[[ $release =~ ^"$version"([^0-9.]|$) ]] ||
	die "$KERNEL_SOURCE is the source of linux $version, not of $release"

rm -rf "$tree"
mkdir -p "$tree"
if [ ! -d "$KERNEL_SOURCE" ]; then
	rm -rf "$tree.source"
	mv "$source" "$tree.source"
	source=$tree.source
fi
stage "exports of $release" "$logs/exports.log" no_count list_exports
stage "configuration of $release" "$logs/configure.log" no_count configure
stage "Rust metadata for $release" "$logs/prepare.log" objects prepare
stage "comparing that with $release" "$logs/check.log" no_count check_tree
[ "$(cat "$tree/include/config/kernel.release")" = "$release" ] ||
	die "the tree became one for $(cat "$tree/include/config/kernel.release"), not $release"
{
	printf 'AMD_MCE_GUARD_TOOLS := %s\n' "${tools[*]}"
	printf 'AMD_MCE_GUARD_HEADERS := %s\n' "$(headers_sum "$KDIR")"
	printf 'AMD_MCE_GUARD_SELF_CONTAINED := %s\n' "$self_contained"
} > "$tree/amd_mce_guard.mk"
[ -z "${KERNEL_CONFIG:-}" ] || KDIR=$tree
tail -n 1 "$logs/check.log"
say "now: make ${self_contained:+SELF_CONTAINED=1 }KDIR=$KDIR"
