# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Kernel sources: each is vouched for by a signed index or a signature before it is unpacked.

# Where the tarballs of kernel.org are, for those who have a mirror of it.
readonly KERNEL_ORG="${KERNEL_ORG:-https://cdn.kernel.org/pub/linux/kernel}"

# The keys that sign releases there, Greg Kroah-Hartman's and Linus Torvalds's, and where kernel.org
# has them in its web key directory.
readonly GREGKH_KEY=647F28654894E3BD457199BE38DBBDC86092693E
readonly TORVALDS_KEY=ABAF11C65A2970B130ABE3C479BE3E4300411886
readonly RELEASE_KEY_IDS='e3n9xnm94c5apezqnj1pmrfuaoyfm8cf pf113mfnx1f3eb1yiwhsipa91xfc7o4x'
readonly CURL='curl -fsSL --connect-timeout 20 --retry 2'
readonly KEY_DIRECTORY="${KEY_DIRECTORY:-https://kernel.org/.well-known/openpgpkey/hu}"

# source_dir VERSION: where its tree is once it has been fetched
source_dir()
{
	printf '%s\n' "$CACHE/src/linux-$1"
}

# How much there is of what apt says there will be, as long as it is downloading.
download_size()
{
	local now total

	if [ -d "$CACHE/src.partial/tree" ]; then
		echo "unpacking"
		return
	fi
	now=$(du -sm "$CACHE/src.partial" | cut -f 1)
	total=$(sed -n 's/^Get:.* linux.* \[\([0-9]* MB\)\]$/ of \1/p' \
		"$BUILD/setup/source-$KERNEL_ID.log")
	echo "$now${total:- MB}"
}

# fetch_source VERSION ID [PATCH]: 6.19.8 is that release, 7.3 is the newest linux-source-7.3; the
# tree, with PATCH applied, becomes that of ID. In this order: Debian's source package, kernel.org's
# tarball, and for a vulnerable release a fixed one with the fix taken out.
fetch_source()
{
	local version=$1 id=$2 patch=${3:-}

	rm -rf "$CACHE/src.partial"
	mkdir -p "$CACHE/src.partial" "$CACHE/src"
	in_sysroot --rw apt-get update || return

	from_debian_source "$version" "$id" "$patch" ||
		from_linux_source "$version" "$id" "$patch" ||
		from_kernel_org "$version" "$id" "$patch" || from_reverted_fix "$version" || {
		echo "linux $version is neither in Debian's archive nor on kernel.org;"
		echo "name another version, a tree or a tarball of yours with KERNEL="
		return 1
	}
	rm -rf "$CACHE/src.partial"
}

# unpack TARBALL ID [PATCH]: from the download folder, with the tree under its final name at the end
unpack()
{
	echo "unpacking $1"
	rm -rf "$CACHE/src.partial/tree"
	mkdir "$CACHE/src.partial/tree" &&
		in_sysroot tar -C /cache/src.partial/tree --strip-components=1 --no-same-owner \
			-xf "/cache/src.partial/$1" || return
	if [ -n "${3:-}" ]; then
		patch -s -p1 -d "$CACHE/src.partial/tree" < "$3" ||
			die "$3 does not apply to the source in $1"
	fi
	mv "$CACHE/src.partial/tree" "$(source_dir "$2")"
}

# The upstream tarball of a Debian source package; apt checks it against the signed index.
from_debian_source()
{
	local package

	package=$(in_sysroot apt-cache showsrc linux |
		awk -v v="$1-" '$1 == "Version:" && index($2, v) == 1 { print $2 }' | tail -n 1)
	[ -n "$package" ] || return

	echo "fetching the upstream tarball of Debian's linux $package"
	in_sysroot sh -c "cd /cache/src.partial &&
		apt-get source --download-only --tar-only linux='$package'" || return
	unpack "linux_$1.orig.tar.xz" "${@:2}"
}

# download_linux_source SERIES: the package linux-source-SERIES, checked by apt; prints its file
download_linux_source()
{
	in_sysroot sh -c "cd /cache/src.partial && apt-get download linux-source-$1 >&2 &&
		dpkg-deb --fsys-tarfile linux-source-$1_*.deb > package.tar &&
		tar -xf package.tar --strip-components=3 ./usr/src/linux-source-$1.tar.xz &&
		rm package.tar" || return
	echo "linux-source-$1.tar.xz"
}

from_linux_source()
{
	local tarball

	in_sysroot apt-cache show "linux-source-$1" > /dev/null 2>&1 || return
	echo "fetching linux-source-$1"
	tarball=$(download_linux_source "$1") && unpack "$tarball" "${@:2}"
}

# from_kernel_org VERSION: signed with one of the keys above or not used, wherever it and the keys
# came from. The signature is one of the uncompressed tarball.
from_kernel_org()
{
	local url="$KERNEL_ORG/v${1%%.*}.x/linux-$1"

	echo "fetching $url.tar.xz"
	in_sysroot sh -e -c "cd /cache/src.partial
		for key in $RELEASE_KEY_IDS; do
			$CURL \"$KEY_DIRECTORY/\$key\"
		done > keys.gpg
		$CURL -o linux-$1.tar.sign $url.tar.sign
		$CURL -o linux-$1.tar.xz $url.tar.xz" || return
	in_sysroot bash -c "cd /cache/src.partial && xz -dc linux-$1.tar.xz |
		gpgv --status-fd 1 --keyring ./keys.gpg linux-$1.tar.sign - |
		grep -E '^.GNUPG:. VALIDSIG ($GREGKH_KEY|$TORVALDS_KEY) '" || {
		echo "linux-$1.tar.xz is not signed with a key of kernel releases; it is not used"
		return 1
	}
	unpack "linux-$1.tar.xz" "${@:2}"
}

# What is left when a vulnerable release has gone from the archives: a kernel with the same defect,
# and with that release's number, by which the tests know that they must not inject errors.
from_reverted_fix()
{
	local series tarball major minor patch

	case $1 in 6.19.[0-9]) ;; *) return 1 ;; esac
	series=$(in_sysroot apt-cache search --names-only '^linux-source-[0-9]' |
		awk '{ print $1 }' | sed 's/^linux-source-//' | sort -V | tail -n 1)
	echo "NOTE: linux $1 is not to be had; $series with the fix taken out stands in for it"
	IFS=. read -r major minor patch <<< "$1"
	tarball=$(download_linux_source "$series") && unpack "$tarball" "$1.partial" &&
		sed -i "s/^VERSION = .*/VERSION = $major/; s/^PATCHLEVEL = .*/PATCHLEVEL = $minor/
			s/^SUBLEVEL = .*/SUBLEVEL = $patch/; s/^EXTRAVERSION = .*/EXTRAVERSION =/" \
			"$(source_dir "$1.partial")/Makefile" &&
		patch -s -p1 -d "$(source_dir "$1.partial")" \
			< "$TOP/selftests/vm/kernels/revert-smca-check.patch" &&
		touch "$(source_dir "$1.partial")/.stand-in" &&
		mv "$(source_dir "$1.partial")" "$(source_dir "$1")"
}
