# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The page of the demo.

readonly PAGE_PROGRAM="$BUILD/demo-page"

build_page_program()
{
	in_sysroot rustc --edition 2021 -O -C panic=abort -o "/repo/build/${PAGE_PROGRAM##*/}" \
		/repo/selftests/vm/in-sysroot/demo-page.rs
}

# page RELEASE DIR UNGUARDED GUARDED: index.html in DIR, from what these guests have left there
page()
{
	local dir=/repo/build${2#"$BUILD"}

	in_sysroot "/repo/build/${PAGE_PROGRAM##*/}" "$1" "$dir" "$3" "$4" > "$2/index.html"
}
