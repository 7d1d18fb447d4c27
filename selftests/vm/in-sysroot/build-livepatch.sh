#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build-livepatch.sh SOURCE OBJECTS FILE FIXED OUT.ko: has the kernel's own klp-build make the
# livepatch OUT.ko for the kernel built in OBJECTS, which puts FIXED in place of SOURCE's FILE.
# OUT.ko.took is the seconds that klp-build needed, by the clock and of the CPUs.
set -eo pipefail
src=$1 config=$2/.config file=$3 fixed=$4 out=$5
tree=$out.tree

# klp-build takes a tree that it can clean, patch and build in.
rm -rf "$tree"
cp -a "$src" "$tree"
cp "$config" "$tree/.config"
cd "$tree"
make -s olddefconfig
cmp .config "$config"

# Debian's source package lacks folders of drivers, which `make clean` trips over.
{ make -k clean 2>&1 || :; } | sed -n "s|.*No rule to make target '\(.*/Makefile\)'.*|\1|p" |
	xargs -rn 1 install -D /dev/null

# A script of klp-build that starts awk and is written for gawk
sed -i '1s|.*|#!/usr/bin/gawk -f|' scripts/livepatch/fix-patch-lines

diff -u --label "a/$file" --label "b/$file" "$file" "$fixed" > "$out.patch" || [ $? -eq 1 ]

TIMEFORMAT='%0R %0U %0S'
exec 3>&2
{ time scripts/livepatch/klp-build -o "$out" "$out.patch" 2>&3; } 2> "$out.time"
awk '{ print $1, $2 + $3 }' "$out.time" > "$out.took"
rm -rf "$tree"
