#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# link-reached.sh OUT LD OBJCOPY NM OBJECT... -- LIBRARY...: links what the module's OBJECTs reach
# of the Rust LIBRARYs (objects whose functions have a section each) into OUT. What is still missing
# then has to come from elsewhere.
set -e -o pipefail
shopt -s lastpipe

out=$1 ld=$2 objcopy=$3 nm=$4
shift 4
objects=()
while [ "$1" != -- ]; do
	objects+=("$1")
	shift
done
shift

# undefined OBJECT...: the symbols that each takes from elsewhere
undefined()
{
	"$nm" -u "$@" | awk '$1 == "U" { print $2 }' | sort -u
}

undefined "${objects[@]}" | sed 's/^/--undefined=/' > "$out.roots"
"$ld" -m elf_x86_64 -r --gc-sections --strip-debug "@$out.roots" -o "$out" "$@"

# The linker leaves the names of what only the rest took from elsewhere; objcopy fails if there are
# none. What is printed goes by way of helpers/printk.c.
comm -23 <(undefined "$out") <(readelf -rW "$out" | awk '$3 ~ /^R_X86/ { print $5 }' | sort -u) \
	> "$out.roots"
[ ! -s "$out.roots" ] || "$objcopy" --strip-symbols="$out.roots" "$out"
"$objcopy" --redefine-sym _printk=rust_helper_printk "$out"
rm "$out.roots"

# notes OBJECT...: sections that speak of others (of a BUG(), a patched jump) and are reached by
# nobody, so that the linker drops them: each with a section or symbol of which it speaks
notes()
{
	readelf -rW "$@" | awk '
		/^Relocation section/ { gsub(/\047/, ""); of = substr($3, 6); next }
		of ~ /^(\.debug_|\.text|\.rodata|\.data|\.bss|\.eh_frame|__patchable_)/ { next }
		$3 ~ /^R_X86/ { print of, $5 }' | sort -u
}

# Nothing that is said of a function that is taken may be lost.
kept=$({
	readelf -SW "$out" | grep -oE '\.(text|data|rodata|bss)[^ ]*'
	"$nm" --defined-only "$out" | awk '{ print $3 }'
} | sort -u)
notes "$@" | while read -r note of; do
	if grep -qxF -e "$of" <<< "$kept"; then
		echo "amd_mce_guard: $of is needed and would lose its $note" >&2
		rm "$out"
		exit 1
	fi
done
