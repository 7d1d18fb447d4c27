#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check-hashes.sh TREE SYMVERS: are the Rust symbols made in TREE those that the kernel exports?
# They have the compiler and the crate in their names: others are not found when a module loads.

mine=$(sed -n 's/^EXPORT_SYMBOL_RUST_GPL(\(.*\));$/\1/p' "$1"/rust/exports_*_generated.h | sort)
theirs=$(awk '$3 == "vmlinux" { print $2 }' "$2" | sort)
missing=$(comm -23 <(echo "$mine") <(echo "$theirs") | grep -c .)

[ -n "$mine" ] || {
	echo "no Rust symbols in $1"
	exit 1
}
if [ "$missing" -ne 0 ]; then
	echo "$missing of $(wc -l <<< "$mine") Rust symbols are not exported by the kernel: it was"
	echo "built by another rustc, or from another source. A module that does without the"
	echo "kernel's Rust may do: use SELF_CONTAINED=1"
	exit 1
fi
echo "the kernel exports all $(wc -l <<< "$mine") Rust symbols of its source"
