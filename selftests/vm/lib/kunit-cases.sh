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
