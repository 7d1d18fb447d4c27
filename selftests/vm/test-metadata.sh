#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A kernel whose headers package has not what a Rust module is built with, Debian's own: make
# rust-metadata makes it, or says why not.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"

readonly WORK="$BUILD/check/metadata"
readonly IN_WORK=/repo/build/check/metadata

# metadata [VARIABLE=VALUE...]: make it, for the headers package of the stock kernel
metadata()
{
	use_kernel stock
	in_sysroot make -C /repo rust-metadata KDIR="$STOCK_DIR/headers" \
		XDG_CACHE_HOME=$IN_WORK KERNEL_SOURCE="$KERNEL_SRC" "$@"
}

names_the_command()
{
	use_kernel stock
	refuses "no Rust metadata; make it: make rust-metadata KDIR=$STOCK_DIR/headers KERNEL" \
		in_sysroot make -C /repo KDIR="$STOCK_DIR/headers" XDG_CACHE_HOME=/nonexistent
}

# is_for RELEASE KO: the module says that it is for that kernel
is_for()
{
	[[ $(in_sysroot modinfo -F vermagic "$2") == "$1 "* ]]
}

builds_on_headers()
{
	use_kernel stock
	in_sysroot make -C /repo KDIR="$STOCK_DIR/headers" XDG_CACHE_HOME="$STOCK_DIR" \
		MO="$IN_WORK/module" &&
		is_for "$(kernel_release)" "$IN_WORK/module/rust/amd_mce_guard.ko"
}

# The configuration has changed, or only what is exported.
after_an_upgrade()
{
	local changed

	use_kernel stock
	for changed in .config Module.symvers; do
		rm -rf "$WORK/headers"
		cp -r "$(stock_dir)/headers" "$WORK/headers"
		echo '# another' >> "$WORK/headers/$changed"
		refuses 'was made for another configuration' in_sysroot make -C /repo \
			KDIR="$IN_WORK/headers" XDG_CACHE_HOME="$STOCK_DIR" || return
	done
}

# A tree with metadata is none with objects to link from.
not_self_contained()
{
	use_kernel stock
	refuses 'needs Rust objects made from' in_sysroot make -C /repo SELF_CONTAINED=1 \
		KDIR="$KERNEL_OBJ" XDG_CACHE_HOME=/nonexistent
}

hashes_match()
{
	use_kernel stock
	in_sysroot rust/check-hashes.sh "$KERNEL_OBJ" "$KERNEL_OBJ/Module.symvers" |
		grep 'the kernel exports all [0-9]* Rust symbols'
}

# another_source [VERSION]: a source that says that it is of that version
another_source()
{
	local source=$WORK/another-source

	mkdir -p "$source/arch/x86"
	printf 'kernelversion:\n\t@echo %s\n' "$1" > "$source/Makefile"
	metadata KERNEL_SOURCE=$IN_WORK/another-source
}

# The other's version may be how that of the kernel begins, and what has none is no kernel.
other_sources()
{
	use_kernel stock
	refuses "is the source of linux $STOCK_SERIES, not of" another_source "$STOCK_SERIES" &&
		refuses "it has no version" another_source &&
		use_kernel test &&
		refuses "is the source of linux $KERNEL_ID" metadata KERNEL_SOURCE="$KERNEL_SRC"
}

# A package with next to nothing in it, but a version. What is not of the kernel is not kept.
from_package()
{
	local name=linux-source-9.9 deb=$WORK/deb

	rm -rf "$deb"
	mkdir -p "$deb/DEBIAN" "$deb/usr/src" "$WORK/$name"
	printf '%s: %s\n' Package $name Version 9.9 Architecture all Maintainer nobody \
		Description none > "$deb/DEBIAN/control"
	printf 'kernelversion:\n\t@echo 9.9.9\n' > "$WORK/$name/Makefile"
	tar -C "$WORK" -cJf "$deb/usr/src/$name.tar.xz" $name
	in_sysroot dpkg-deb -b $IN_WORK/deb $IN_WORK/$name.deb &&
		refuses 'is the source of linux 9.9.9, not of' metadata \
			KERNEL_SOURCE=$IN_WORK/$name.deb &&
		! ls -d "$WORK"/amd-mce-guard/trees/*source*
}

broken_tarball()
{
	head -c 100000 /dev/urandom > "$WORK/broken.tar.xz"
	refuses 'source of linux .* FAILED' metadata KERNEL_SOURCE=$IN_WORK/broken.tar.xz &&
		! ls -d "$WORK"/amd-mce-guard/trees/*source*
}

# without_symvers [VARIABLE=VALUE...]: a headers package that has none
without_symvers()
{
	use_kernel stock
	rm -rf "$WORK/headers"
	cp -r "$(stock_dir)/headers" "$WORK/headers"
	rm "$WORK/headers/Module.symvers"
	metadata KDIR=$IN_WORK/headers "$@"
}

# A rustc of another version, as far as it says.
other_rustc()
{
	printf '#!/bin/sh\necho "rustc 1.84.0 (9fc6b4312 2025-01-07)"\n' > "$WORK/rustc"
	chmod +x "$WORK/rustc"
	refuses 'symbols would not match' metadata RUSTC=$IN_WORK/rustc
}

mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 14
test_with stock "without metadata, make names the command" names_the_command
test_with stock "with it, make builds for the headers package" builds_on_headers
test_with stock "not after the package has changed" after_an_upgrade
test_with stock "nor is a self-contained module built on it" not_self_contained
test_with stock "the kernel has the Rust symbols of its source" hashes_match
test_with stock "refuses the source of another kernel" other_sources
test_with stock "takes the source out of a linux-source package" from_package
test_with stock "asks for KERNEL_SOURCE" refuses "rust-metadata needs KERNEL_SOURCE=" \
	metadata KERNEL_SOURCE=
test_with stock "a broken tarball leaves nothing" broken_tarball
test_that "asks for the headers package where there is none" refuses \
	"no /nonexistent/.config: install" metadata KDIR=/nonexistent
test_with stock "asks for the image where there is no Module.symvers" refuses \
	'name the kernel itself with IMAGE=' without_symvers
test_with stock "refuses an image that is none" refuses 'cannot unpack /repo/COPYING' \
	without_symvers IMAGE=/repo/COPYING
test_with stock "misses the compiler" refuses "no no-such-cc, which .* was built with" \
	metadata CC=no-such-cc
test_with stock "refuses another rustc" other_rustc
