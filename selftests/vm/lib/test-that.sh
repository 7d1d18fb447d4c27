# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# One test point, in a VM or outside, on top of the kernel's ktap_helpers.sh.

# test_that DESCRIPTION COMMAND...: passes if COMMAND succeeds; what it printed is shown if not.
test_that()
{
	local description=$1 output

	shift
	if output=$("$@" 2>&1); then
		ktap_test_pass "$description"
	else
		ktap_test_fail "$description"
		printf '%s\n' "$output" | tail -n 40 | sed 's/^/# /'
	fi
}
