# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A Debian trixie as somebody has it who runs the stock kernel and builds modules for it with DKMS,
# and manages it by ssh: to install the package in. It has what the package depends on, and nothing
# else of the lab.

# use_cleanroot: sets CLEANROOT, where that is
use_cleanroot()
{
	local key

	use_kernel stock
	key=$(cat "${BASH_SOURCE[0]}" "$TOP/rust/install/debian/control" <(echo "$STOCK_DIR") |
		sha256sum | cut -c 1-8)
	CLEANROOT=$CACHE/cleanroot-$key
}

# dependencies: what the package depends on, two kernels with their headers (trixie's own is the
# older one), what makes initramfs, and rpm
dependencies()
{
	local release

	release=$(kernel_release)
	sed -n '/^Depends:/,/^Recommends/s/^ \([a-z0-9-]*\)[:a-z]*,$/\1/p' \
		"$TOP/rust/install/debian/control"
	printf '%s\n' dkms openssl zstd initramfs-tools dracut-core systemd rpm \
		openssh-server python3-apt lz4 "linux-headers-cloud-amd64/$SUITE" \
		"linux-base/$SUITE-backports" "linux-image-$release" "linux-headers-$release"
}

# What is mounted over there has a place, as in the sysroot.
make_cleanroot()
{
	local from packages uri

	use_cleanroot
	if unavailable stock; then
		mkdir "$CLEANROOT"
		return
	fi
	mapfile -t from < <(mirror)
	mapfile -t packages < <(dependencies)
	uri=$(grep -ho '[a-z+]*://[^ ]*' "$SYSROOT/etc/apt/sources.list" | head -n 1)
	# shellcheck disable=SC2016 # mmdebstrap's notation
	make_root "$CLEANROOT" 'mkdir -p "$1/repo" "$1/cache" "$1/tree" "$1/lab"' \
		"${from[0]:-deb $uri $SUITE main}" "deb $uri $SUITE-backports main" -- \
		"${packages[@]}"
}

# copy_cleanroot DIR: one to change, as far as one does with hard links to files that nobody writes
# into
copy_cleanroot()
{
	rm -rf "$1"
	mkdir -p "${1%/*}"
	if cp -al "$CLEANROOT" "$1" 2> /dev/null; then
		rm -rf "${1:?}"/{etc,var,boot}
		cp -a "$CLEANROOT"/{etc,var,boot} "$1"
	else
		rm -rf "$1"
		cp -a "$CLEANROOT" "$1"
	fi
}
