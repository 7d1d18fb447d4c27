# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The sysroot: Debian trixie with the toolchain, QEMU and the lint tools, for building in and as
# the root file system of the host VM.

readonly SUITE=trixie
readonly SYSROOT_PACKAGES=(
	# to build kernels and the module
	bc bindgen bison clang cpio dwarves flex gcc kmod libc6-dev libelf-dev libssl-dev lld
	llvm lz4 make openssl perl python3 rust-clippy rust-src rustc rustfmt xz-utils zstd
	# to fetch and check their sources
	ca-certificates curl gpgv
	# to install the tests and to run the lab
	busybox-static mount procps rasdaemon rsync socat
	# to check scripts and patches
	ansible-lint codespell python3-sphinx shellcheck yamllint
	# to boot a stock kernel with Secure Boot
	grub-efi-amd64-signed ovmf python3-virt-firmware shim-signed
	# to build and check the packages
	debhelper dh-dkms lintian rpm rpmlint
	# to pack and unpack kernels in each way that they come in
	bzip2 lzop
	# to take it to a machine, and to see there what README says
	ansible-core clitest openssh-client
	# to have klp-build make a livepatch to compare the guard with
	gawk libxxhash-dev
	# to look at the page of the demo
	chromium-headless-shell
)
COMPLETE_SYSROOT=$(cat "$TOP/selftests/vm/in-sysroot/complete-sysroot.sh")
SYSROOT="$CACHE/sysroot-$(echo "$SUITE ${SYSROOT_PACKAGES[*]} $COMPLETE_SYSROOT" |
	sha256sum | cut -c 1-12)"
readonly COMPLETE_SYSROOT SYSROOT

# The mirror this machine uses itself; empty (mmdebstrap's default) where that is not Debian's.
mirror()
{
	command -v apt-get > /dev/null || return 0
	# shellcheck disable=SC2016 # apt-get's own notation
	apt-get indextargets --format '$(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2> /dev/null | head -n 1
}

sysroot_size()
{
	du -cm "$CACHE"/*.partial 2> /dev/null | awk 'END { print $1 " MB" }'
}

# make_root DIR HOOK SOURCE... -- PACKAGE...: a Debian in DIR, completed by HOOK, with packages
# from these sources. A tarball unpacked by us, not mmdebstrap's directory format: that way it is
# the same for root and for an ordinary user, whose files would otherwise belong to subordinate ids.
make_root()
(
	set -o pipefail
	dir=$1 hook=$2 from=()
	shift 2
	while [ "$1" != -- ]; do
		from+=("$1")
		shift
	done
	shift
	mkdir "$dir.partial"
	# What a killed mmdebstrap leaves there, the next setup clears away; so none of its mounts
	# may be left, /proc and /sys among them. An ordinary user's mmdebstrap mounts where nobody
	# else sees it, and works as another user, who may not come in here.
	unseen=()
	if [ "$(id -u)" -eq 0 ]; then
		export TMPDIR="$CACHE/mmdebstrap.partial"
		mkdir "$TMPDIR"
		unseen=(unshare --mount)
	fi
	IFS=,
	"${unseen[@]}" mmdebstrap --variant=apt --format=tar --include="$*" \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--customize-hook="$hook" "$SUITE" - "${from[@]}" |
		tar -C "$dir.partial" --exclude='./dev/*' -x &&
		mv "$dir.partial" "$dir" &&
		rm -rf "$CACHE/mmdebstrap.partial"
)

make_sysroot()
{
	local from

	mapfile -t from < <(mirror)
	make_root "$SYSROOT" "$COMPLETE_SYSROOT" "${from[@]}" -- "${SYSROOT_PACKAGES[@]}"
}

# A newer rustc than the sysroot has, to build the module with, too: as the sysroot sees it.
NEWER_RUSTC=/cache/rustc-$(sha256sum < "$TOP/selftests/vm/in-sysroot/prepare-rustc.sh" | cut -c 1-8)
readonly NEWER_RUSTC

make_newer_rustc()
{
	local dir=$CACHE${NEWER_RUSTC#/cache}

	rm -rf "$dir"
	mkdir "$dir"
	in_sysroot --rw apt-get update &&
		in_sysroot /repo/selftests/vm/in-sysroot/prepare-rustc.sh "$NEWER_RUSTC" &&
		touch "$dir/.built"
}
