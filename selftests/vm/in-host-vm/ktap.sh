# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for the suites
# What suites that run in a VM start with.

# shellcheck source=/dev/null
source "$SRC/tools/testing/selftests/kselftest/ktap_helpers.sh"
source /repo/selftests/lib/splats.sh
source /repo/selftests/vm/lib/test-that.sh

readonly KO=$OUT/module/rust/amd_mce_guard.ko
readonly TRACING=/sys/kernel/tracing
readonly GUARD_DIR=/sys/kernel/debug/amd_mce_guard

# log_says LINE: the kernel log has exactly this line, less its time stamp
log_says()
{
	dmesg | sed 's/^\[ *[0-9.]*\] //' | grep -xF "$1" || { dmesg | tail -n 5; return 1; }
}

# load_fails_with REASON KO: insmod fails, and for this reason
load_fails_with()
{
	local output

	if output=$(insmod "$2" 2>&1); then
		echo "insmod succeeded"
		rmmod amd_mce_guard
		return 1
	fi
	echo "$output"
	[[ $output == *"$1"* ]]
}

not_hooked()
{
	[ -r $TRACING/enabled_functions ] && ! grep amd_clear_bank $TRACING/enabled_functions
}

# splats: those in a kernel log that comes in
splats()
{
	grep -E "$SPLATS"
}

no_splat()
{
	! dmesg | splats
}
