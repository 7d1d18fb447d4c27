# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every suite that runs outside a VM starts with.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
source "$TOP/selftests/vm/scenarios.sh"

use_kernel test
use_stock

# shellcheck source=/dev/null
source "$(kernel_src_dir)/tools/testing/selftests/kselftest/ktap_helpers.sh"
source "$TOP/selftests/vm/test-that.sh"

# without_warnings COMMAND...: succeeds if COMMAND does and says nothing that is a warning
without_warnings()
{
	local output

	output=$("$@" 2>&1) || { printf '%s\n' "$output"; return 1; }
	! grep -iE 'warning|error' <<< "$output"
}
