# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# Kernels that are not built here, or not as their sources are: Debian's own, and one without Rust.
# The trees that the module is built in for them are made by `make rust-metadata`.

# use_stock NAME: sets STOCK_DIR (as the sysroot sees it), where that kernel's image is, with a link
# called tree to where modules for it are built, which KERNEL_OBJ becomes.
use_stock()
{
	local key what=${1/stock/debian-$STOCK_SERIES}

	key=$(cat "$TOP"/selftests/vm/inside/prepare-*.sh "$TOP/selftests/vm/guest/to-9p.sh" \
		"$TOP"/rust/{metadata,kernel-source,image-exports,check-layout}.sh | sha256sum |
		cut -c 1-8)
	STOCK_DIR=/cache/kernel/$what-$key
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
	use_kernel "$1"
	[[ $1 == stock || $1 == debian-* ]] && cat "$(stock_dir)/unavailable" 2> /dev/null
}

# in_archive PATTERN: the newest package with such a name
in_archive()
{
	in_sysroot apt-cache search -n "$1" | awk '{ print $1 }' | sort -V | tail -n 1
}

# fetch_release VERSION: that release itself and nothing that stands in for it
fetch_release()
{
	[ ! -e "$(source_dir "$1")/.stand-in" ] || return
	[ ! -d "$(source_dir "$1")" ] || return 0
	rm -rf "$CACHE/src.partial"
	mkdir -p "$CACHE/src.partial" "$CACHE/src"
	from_debian_source "$1" || from_kernel_org "$1" || return
	rm -rf "$CACHE/src.partial"
}

# prepare_stock: gets the stock kernel and the tree for it, or says that the archive has it no more.
# The source is there already.
prepare_stock()
{
	local dir version image

	dir=$(stock_dir)
	rm -rf "$dir"
	mkdir -p "$dir"
	in_sysroot --rw apt-get update || return
	if [ "$KERNEL_NAME" = stock ]; then
		version=$(in_sysroot make -s -C "$KERNEL_SRC" kernelversion)
		image=$(in_archive "^linux-binary-${version//./[.]}[+]deb[0-9]+-amd64$")
	else
		version=${KERNEL_NAME#debian-}
		image=$(in_archive "^linux-binary-${version//./[.]}[+]deb[0-9]+-cloud-amd64$")
	fi
	if [ -z "$image" ]; then
		echo "Debian's archive has no image of linux $version any more" > "$dir/unavailable"
	elif [ "$KERNEL_NAME" = stock ]; then
		in_sysroot "$INSIDE/prepare-stock.sh" "$KERNEL_SRC" "$STOCK_DIR" "$image" || return
	elif ! fetch_release "$version"; then
		echo "the source of linux $version is not to be had any more" > "$dir/unavailable"
	else
		in_sysroot "$INSIDE/prepare-image.sh" "$KERNEL_SRC" "$STOCK_DIR" "$image" || return
	fi
	mkdir -p "$(kernel_obj_dir)" && touch "$(kernel_obj_dir)/.built"
}

# The kernel under test as it was built, built again without Rust, and the objects for a module that
# does without the kernel's.
build_norust_kernel()
{
	local obj

	obj=$(kernel_obj_dir)
	rm -rf "$obj"
	cp -a "$CACHE${KERNEL_BASE#/cache}" "$obj" && rm "$obj/.built" &&
		in_sysroot "$KERNEL_SRC/scripts/config" --file "$KERNEL_OBJ/.config" -d RUST &&
		in_sysroot make -C "$KERNEL_SRC" O="$KERNEL_OBJ" olddefconfig &&
		make_kernel &&
		in_sysroot make -C /repo rust-metadata KDIR="$KERNEL_OBJ" "${KERNEL_GUARD[@]}" \
			KERNEL_SOURCE="$KERNEL_SRC" && touch "$obj/.built"
}
