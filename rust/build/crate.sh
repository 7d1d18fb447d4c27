#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# crate.sh KDIR [tree|standin]: which `kernel` crate the module is built on for the kernel in KDIR,
# and why: "tree", the kernel's own, where there is one that rustc can read; or "standin". The
# second argument forces either. RUSTC comes from the environment.

kdir=$1
conf=$kdir/include/config/auto.conf

use()
{
	echo "$*"
	exit
}

# made_by FILE: the rustc that wrote this metadata, as it says at the beginning, and what may follow
made_by()
{
	head -c 256 "$1" | tr -c 'A-Za-z0-9 ._+()~:-' '\n' | grep -o 'rustc [0-9].*' | head -n 1
}

case $2 in
'') ;;
tree | standin) use "$2" "KERNEL_CRATE says so" ;;
*) use unknown "KERNEL_CRATE is '$2'" ;;
esac

grep -qsx CONFIG_RUST=y "$conf" || use standin "the kernel has no CONFIG_RUST"
for crate in core kernel; do
	[ -f "$kdir/rust/lib$crate.rmeta" ] || use standin "there is no $kdir/rust/lib$crate.rmeta"
done

# 6.19 is the first whose crates have what the module uses.
release=$(tr -dc 'A-Za-z0-9._+~-' < "$kdir/include/config/kernel.release")
oldest=$(printf '6.19\n%s\n' "$release" | sort -V | head -n 1)
[ "$oldest" = 6.19 ] || use standin "the crates of linux $release are older than 6.19's"

# rustc reads what it has written itself, to the last word of its version: another build of the same
# release has another description behind it.
mine=$("${RUSTC:-rustc}" --version 2> /dev/null)
for crate in core kernel; do
	made=$(made_by "$kdir/rust/lib$crate.rmeta")
	case $made in
	'') use standin "$kdir/rust/lib$crate.rmeta does not say what rustc made it" ;;
	"$mine"' ('*) ;;
	"$mine"*) continue ;;
	esac
	made=$(echo "$made" | sed 's/)[^)]*$/)/')
	use standin "$kdir/rust/lib$crate.rmeta was made by '$made', rustc is '$mine'"
done
use tree "$kdir/rust/ has them, made by this rustc"
