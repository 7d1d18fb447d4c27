# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every suite that runs outside a VM starts with.

source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
source "$TOP/selftests/vm/scenarios.sh"

# shellcheck disable=SC2034 # for whoever sources this
{
	use_kernel stock
	readonly STOCK_OBJ=$KERNEL_OBJ
	use_kernel "$DEBIAN_BEFORE"
	readonly BEFORE_OBJ=$KERNEL_OBJ
}
use_kernel test

# shellcheck source=/dev/null
source "$(kernel_src_dir)/tools/testing/selftests/kselftest/ktap_helpers.sh"
source "$TOP/selftests/vm/lib/test-that.sh"

# test_with KERNEL DESCRIPTION COMMAND...: a test if that kernel is to be had, or a skip
test_with()
{
	local reason

	if reason=$(unavailable "$1"); then
		ktap_test_skip "$2"
		echo "# SKIP: $reason"
	else
		test_that "${@:2}"
	fi
}

# refuses PATTERN COMMAND...: COMMAND fails, and its words have PATTERN
refuses()
{
	local pattern=$1 output status=0

	shift
	output=$("$@" 2>&1) || status=$?
	printf '%s\n' "$output" | tail -n 20
	[ "$status" != 0 ] || { echo "nothing wrong with that"; return 1; }
	grep -q -- "$pattern" <<< "$output"
}

# without_warnings COMMAND...: succeeds if COMMAND does and says nothing that is a warning
without_warnings()
{
	local output

	output=$("$@" 2>&1) || { printf '%s\n' "$output"; return 1; }
	! grep -iE 'warning|error' <<< "$output"
}
