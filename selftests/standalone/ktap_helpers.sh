# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for whoever sources this
# What the tests need of the kernel's kselftest/ktap_helpers.sh, where its source is not there.

KTAP_TESTNO=1
readonly KSFT_FAIL=1 KSFT_SKIP=4
ktap_planned=0 ktap_passed=0 ktap_failed=0 ktap_skipped=0

ktap_print_header()
{
	echo "TAP version 13"
}

ktap_set_plan()
{
	ktap_planned=$1
	echo "1..$1"
}

ktap_skip_all()
{
	echo "1..0 # SKIP $*"
}

# ktap_tell(words) - one result
ktap_tell()
{
	echo "$*"
	KTAP_TESTNO=$((KTAP_TESTNO + 1))
}

ktap_test_pass()
{
	ktap_tell "ok $KTAP_TESTNO $1"
	ktap_passed=$((ktap_passed + 1))
}

ktap_test_skip()
{
	ktap_tell "ok $KTAP_TESTNO $1 # SKIP"
	ktap_skipped=$((ktap_skipped + 1))
}

ktap_test_fail()
{
	ktap_tell "not ok $KTAP_TESTNO $1"
	ktap_failed=$((ktap_failed + 1))
}

# Ends the script; one that has planned more tests than there are results has failed, too.
ktap_finished()
{
	echo "# Totals: pass:$ktap_passed fail:$ktap_failed xfail:0 xpass:0" \
		"skip:$ktap_skipped error:0"
	[ $((ktap_passed + ktap_skipped)) -eq "$ktap_planned" ] || exit $KSFT_FAIL
	exit 0
}
