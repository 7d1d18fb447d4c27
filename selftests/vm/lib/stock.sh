# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# Kernels that are not built here: Debian's own, and what the module is built against for them. That
# is their headers packages; of two vulnerable ones the archive has the image alone.

# use_debian NAME VERSION: sets STOCK_DIR (as the sysroot sees it), where that kernel's image is,
# with a link called tree to where modules for it are built, which KERNEL_OBJ becomes.
use_debian()
{
	local key

	KERNEL_TREE=
	KERNEL_ID=$2
	KERNEL_SRC=/cache/src/linux-$KERNEL_ID
	key=$(cd "$TOP/selftests/vm" &&
		cat in-sysroot/prepare-{stock,image}.sh in-guest/to-9p.sh | sha256sum | cut -c 1-8)
	STOCK_DIR=/cache/kernel/debian-$KERNEL_ID-$key
	KERNEL_OBJ=$STOCK_DIR/tree
}

# The same on this machine.
stock_dir()
{
	printf '%s\n' "$CACHE${STOCK_DIR#/cache}"
}

# unavailable NAME: succeeds, and says why, if that kernel is not to be had any more
unavailable()
{
	[[ ${HOW[$1]} == debian* ]] || return
	(use_kernel "$1" && cat "$(stock_dir)/unavailable" 2> /dev/null)
}

# in_archive PATTERN: the newest package with such a name, or nothing; fails if nobody can tell
in_archive()
{
	local found

	found=$(in_sysroot apt-cache search -n "$1") &&
		awk '{ print $1 }' <<< "$found" | sort -V | tail -n 1
}

# fetch_release VERSION: that release itself and nothing that stands in for it
fetch_release()
{
	[ ! -e "$(source_dir "$1")/.stand-in" ] || return
	[ ! -d "$(source_dir "$1")" ] || return 0
	rm -rf "$CACHE/src.partial"
	mkdir -p "$CACHE/src.partial" "$CACHE/src"
	from_debian_source "$1" "$1" || from_kernel_org "$1" "$1" || return
	rm -rf "$CACHE/src.partial"
}

# prepare_stock: gets the kernel in use and what modules for it are built against, or says that the
# archive has it no more.
prepare_stock()
{
	local dir image version=${KERNEL_ID//./[.]}

	dir=$(stock_dir)
	rm -rf "$dir"
	mkdir -p "$dir"
	in_sysroot --rw apt-get update || return
	case $KERNEL_NAME in
	stock)
		image=$(in_archive "^linux-binary-${version}[.][0-9]+[+]deb[0-9]+-amd64$") ;;
	debian-*.*.*)
		image=$(in_archive "^linux-binary-${version}[+]deb[0-9]+-cloud-amd64$") ;;
	*)
		# Newer series have no package of that name that is signed apart.
		version+="[.][0-9]+[+]deb[0-9]+-cloud-amd64"
		image=$(in_archive "^linux-(binary-$version|image-$version-unsigned)$") ;;
	esac || return
	if [ -z "$image" ]; then
		echo "Debian's archive has no image of linux $KERNEL_ID; to look again," \
			"rm -r $dir" > "$dir/unavailable"
	elif [[ $KERNEL_NAME != debian-*.*.* ]]; then
		in_sysroot /repo/selftests/vm/in-sysroot/prepare-stock.sh "$STOCK_DIR" "$image" \
			"$KERNEL_NAME" || return
	else
		fetch_release "$KERNEL_ID" || return
		in_sysroot /repo/selftests/vm/in-sysroot/prepare-image.sh "$KERNEL_SRC" \
			"$STOCK_DIR" "$image" || return
	fi
	touch "$dir/.built"
}
