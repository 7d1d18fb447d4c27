#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check-layout.sh KDIR [VMLINUX]: are the structures that the module shares with the kernel laid out
# there as the headers in KDIR make them, and does amd_clear_bank() take what the module expects?
# The BTF of the kernel tells: that of VMLINUX; or of the vmlinux in KDIR; or of the running kernel,
# if KDIR is for that. Where there is none, that is said and is no error.
set -e -o pipefail

kdir=$1 vmlinux=$2
here=$(realpath "$(dirname "$0")/..")
structures='ftrace_ops module mce cpuinfo_x86 pt_regs notifier_block'

say()
{
	echo "amd_mce_guard: $*"
}

# has_btf FILE: an ELF file with a section of it, or the bare thing, as below /sys
has_btf()
{
	local sections

	[ -r "$1" ] || return
	[ "$(od -An -t x2 -N 2 "$1")" != ' eb9f' ] || return 0
	# Not by a pipe, where a grep that has seen enough would make readelf fail.
	sections=$(readelf -SW "$1" 2> /dev/null) && grep -q ' \.BTF ' <<< "$sections"
}

# find_btf: prints what the kernel in KDIR says of itself
find_btf()
{
	local running=/sys/kernel/btf/vmlinux

	if [ -n "$vmlinux" ]; then
		echo "$vmlinux"
	elif has_btf "$kdir/vmlinux"; then
		echo "$kdir/vmlinux"
	elif [ -r $running ] &&
		[ "$(cat "$kdir/include/config/kernel.release")" = "$(uname -r)" ]; then
		echo $running
	fi
}

theirs=$(find_btf)
if [ -z "$theirs" ]; then
	say "the layout of structures is not checked: $kdir has no vmlinux with BTF, and is not" \
		"for the kernel that runs here"
	exit
fi
has_btf "$theirs" || {
	say "$theirs cannot be read, or has no BTF: structures cannot be compared with it" >&2
	exit 1
}
command -v pahole > /dev/null || {
	say "pahole is not installed, which compares structures with $theirs; Debian's package is" \
		"called dwarves" >&2
	exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
	echo 'obj-m := layout.o'
	# For pahole, which reads what a compiler writes and not what a linker would.
	echo 'CFLAGS_layout.o := -g'
	# shellcheck disable=SC2016 # kbuild's variable
	echo 'CFLAGS_REMOVE_layout.o := $(CC_FLAGS_LTO)'
} > "$work/Kbuild"
{
	echo '#include <linux/module.h>'
	echo "#include \"$here/bindings/bindings_helper.h\""
	for name in $structures; do
		echo "struct $name layout_of_$name;"
	done
} > "$work/layout.c"
{
	make -s -C "$kdir" M="$work" MO="$work" layout.o &&
		pahole --btf_encode_detached "$work/btf" "$work/layout.o"
} > "$work/log" 2>&1 || {
	cat "$work/log" >&2
	exit 1
}

# pahole warns of each thing in the BTF that is newer than itself.
for name in $structures; do
	{
		pahole -F btf -C "$name" "$theirs" > "$work/theirs" &&
			pahole -F btf -C "$name" "$work/btf" > "$work/ours"
	} 2> "$work/log" || {
		cat "$work/log" >&2
		exit 1
	}
	diff "$work/theirs" "$work/ours" >&2 || {
		say "struct $name of the kernel (<, from $theirs) is not what the headers in" \
			"$kdir make (>): they are not for this kernel" >&2
		exit 1
	}
done

# A compiler that has changed the function has removed it there.
prototype=$(pfunct -F btf -P -f amd_clear_bank "$theirs" 2> /dev/null || :)
[[ -z $prototype || $prototype =~ ^'void amd_clear_bank(struct mce * '[a-z_]+');' ]] || {
	say "amd_clear_bank() of the kernel is '$prototype', and takes no struct mce *:" \
		"there is no guard for it" >&2
	exit 1
}
say "$theirs has the same $structures${prototype:+, and amd_clear_bank(struct mce *)}"
