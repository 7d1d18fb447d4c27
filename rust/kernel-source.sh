# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Which kernel metadata.sh is for: its configuration, its compilers, its source.

# option NAME FILE: its value in that configuration, without quotes
option()
{
	sed -n "s/^CONFIG_$1=//p" "$2" | tr -d '"'
}

# headers_sum DIR: what tells one headers package from another of the same release
headers_sum()
{
	cat "$1/.config" "$1/Module.symvers" 2> /dev/null | sha256sum | cut -d ' ' -f 1
}

# image_release: what the kernel in $IMAGE calls itself; the boot protocol says where that is
image_release()
{
	local at

	at=$(od -An -t u2 -j $((0x20e)) -N 2 "$IMAGE") &&
		dd if="$IMAGE" bs=1 skip=$((at + 0x200)) count=128 status=none | tr '\0 ' '\n' |
		head -n 1
}

find_config()
{
	config=${KERNEL_CONFIG:-$KDIR/.config}
	[ -r "$config" ] ||
		die "no $config: install the kernel's headers package and name its directory" \
			"with KDIR=, or its configuration with KERNEL_CONFIG= and the kernel" \
			"with IMAGE="
	symvers=$KDIR/Module.symvers
	if [ -n "${KERNEL_CONFIG:-}" ] || [ ! -s "$symvers" ]; then
		[ -r "${IMAGE:-}" ] ||
			die "no $symvers to say what the kernel exports; name the kernel itself" \
				"with IMAGE=, like /boot/vmlinuz-$(uname -r)"
		symvers=
	fi
	if [ -z "${KERNEL_CONFIG:-}" ]; then
		release=$(cat "$KDIR/include/config/kernel.release") ||
			die "$KDIR is not configured: it does not say which kernel it is for"
	else
		release=$(image_release)
		[[ $release =~ ^[0-9]+\.[0-9]+ ]] || die "$IMAGE is not a bzImage"
	fi
}

# What the kernel was built with, by the name it was called then, so that kbuild finds no other one.
find_compilers()
{
	local text cc rustc

	text=$(option CC_VERSION_TEXT "$config")
	cc=${CC:-${text%% *}}
	command -v "$cc" > /dev/null ||
		die "no $cc, which $release was built with; install it, or name one with CC="
	[ "$("$cc" --version | head -n 1 | cut -d ' ' -f 2-)" = "${text#* }" ] ||
		echo "$cc is not '$text', which $release was built with; going on with it"
	[[ $text != *clang* ]] || tools+=(LLVM=1)
	tools+=("CC=$cc" "RUSTC=${RUSTC:-rustc}" "BINDGEN=${BINDGEN:-bindgen}")

	[ -n "$self_contained" ] || grep -qx CONFIG_RUST=y "$config" ||
		die "$release has no CONFIG_RUST: use SELF_CONTAINED=1"
	text=$(option RUSTC_VERSION_TEXT "$config")
	rustc=$("${RUSTC:-rustc}" --version) ||
		die "${RUSTC:-rustc} is not installed; Debian's package is called rustc"
	[ -n "$self_contained" ] || [ "$rustc" = "$text" ] ||
		die "$release was built with $text, ${RUSTC:-rustc} is $rustc: symbols would not" \
			"match. Name the right one with RUSTC=, or use SELF_CONTAINED=1"
}

# tarball_of PACKAGE DIR: what is in that linux-source package, put into DIR
tarball_of()
{
	dpkg-deb --fsys-tarfile "$1" |
		tar -C "$2" -x --wildcards --strip-components=3 './usr/src/linux-source-*.tar.xz' &&
		mv "$2"/linux-source-*.tar.xz "$2/source.tar.xz"
}

# fetch_package NAME DIR: the tarball of that package, installed or in the archive, put into DIR
fetch_package()
{
	if [ -r "/usr/src/$1.tar.xz" ]; then
		ln -s "/usr/src/$1.tar.xz" "$2/source.tar.xz"
	else
		(cd "$2" && apt-get download "$1") && tarball_of "$2/$1"_*.deb "$2"
	fi
}

# unpack_source SPEC DIR: as described in metadata.sh, unless it is a tree; a DIR that is there is
# replaced
unpack_source()
{
	local partial=$2.partial

	rm -rf "$partial" "$2"
	mkdir -p "$partial/tree" || return
	case $1 in
	*.deb)
		tarball_of "$1" "$partial" ;;
	*/* | *.tar*)
		ln -s "$(realpath "$1")" "$partial/source.tar.xz" ;;
	*)
		fetch_package "$1" "$partial" ;;
	esac &&
		tar -C "$partial/tree" --strip-components=1 --no-same-owner \
			-xf "$partial/source.tar.xz" &&
		mv "$partial/tree" "$2"
	set -- $?
	rm -rf "$partial"
	return "$1"
}
