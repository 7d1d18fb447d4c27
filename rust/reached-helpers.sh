#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# reached-helpers.sh DIR NM OBJECT...: the kernel's rust/helpers/helpers.c from DIR with only those
# of the files it includes that have a helper which none of the OBJECTs defines and one calls.
set -e -o pipefail

dir=$1 nm=$2
shift 2

wanted=$("$nm" "$@" | awk '$NF ~ /^rust_helper_/ { print $NF, $(NF - 1) }' | sort -u |
	awk '{ kinds[$1] = kinds[$1] $2 } END { for (s in kinds) if (kinds[s] == "U") print s }')
files=$(cd "$dir" && grep -lwFf <(echo "$wanted") -- *.c) || {
	echo "amd_mce_guard: none of $wanted is in $dir" >&2
	exit 1
}
awk -v files="$files" '
	BEGIN { split(files, list, "\n"); for (i in list) wanted["\"" list[i] "\""] = 1 }
	$1 == "#include" && $2 ~ /\.c"$/ && !wanted[$2] { next }
	{ print }' "$dir/helpers.c"
