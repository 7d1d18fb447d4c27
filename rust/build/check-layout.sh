#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check-layout.sh TREE VMLINUX [VARIABLE=VALUE...]: are the structures that the module shares with
# the kernel in VMLINUX laid out there as in what make, with these variables, compiles in TREE? The
# kernel's BTF tells; one that has none cannot be asked, which is said and is no error.
set -e -o pipefail

tree=$1 vmlinux=$2
here=$(realpath "$(dirname "$0")/..")
structures='ftrace_ops module mce cpuinfo_x86 pt_regs debugfs_u32_array'

# Not by a pipe: a grep that has seen enough would make readelf fail.
sections=$(readelf -SW "$vmlinux")
if ! grep -q ' \.BTF ' <<< "$sections"; then
	echo "the kernel has no BTF: its structures cannot be compared with its source's"
	exit
fi
command -v pahole > /dev/null || {
	echo "pahole is not installed; Debian's package is called dwarves"
	exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo 'obj-m := layout.o' > "$work/Kbuild"
{
	echo '#include <linux/module.h>'
	echo "#include \"$here/bindings/bindings_helper.h\""
	for name in $structures; do
		echo "struct $name layout_of_$name;"
	done
} > "$work/layout.c"
make -C "$tree" "${@:3}" M="$work" KCFLAGS=-g layout.o
pahole --btf_encode_detached "$work/btf" "$work/layout.o"

for name in $structures; do
	pahole -F btf -C "$name" "$vmlinux" > "$work/theirs"
	pahole -F btf -C "$name" "$work/btf" > "$work/ours"
	diff "$work/theirs" "$work/ours" || {
		echo "struct $name of the kernel (<) is not what the configuration makes (>)"
		exit 1
	}
done
echo "the kernel's BTF has the same $structures"
