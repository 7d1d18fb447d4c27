# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash

# kunit_cases FILE...: "SUITE CASE" of each KUnit case that these Rust sources have
kunit_cases()
{
	awk '
		/^#\[kunit_tests\(/ { gsub(/.*\(|\).*/, ""); suite = $0 }
		suite && /#\[test\]/ { wanted = 1; next }
		wanted && /fn / { sub(/.*fn /, ""); sub(/\(.*/, ""); print suite, $0; wanted = 0 }
	' "$@"
}

# kunit_passed SUITE CASE: the kernel log that comes in says so, within that suite
kunit_passed()
{
	local log

	log=$(sed 's/^\[ *[0-9.]*\] //')
	awk -v suite="$1" -v name="$2" '
		/# Subtest: / { current = $NF }
		current == suite && $1 == "ok" && $3 == name && $4 != "#" { found = 1 }
		END { exit !found }' <<< "$log" ||
		{ grep -E "not ok|ASSERTION|Expected|$2" <<< "$log"; return 1; }
}
