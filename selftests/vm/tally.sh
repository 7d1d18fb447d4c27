# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Counting what KTAP says.

passed=0 failed=0 skipped=0 failures=() skips=()

count()
{
	grep -cE "$2" "$1"
}

# tally JOB SUITE...: adds to the counts. A test that was planned and gave no result has failed, and
# so has a suite without a plan.
tally()
{
	local job=$1 suite ktap planned ok skip not_ok missing

	shift
	for suite; do
		ktap=$BUILD/check/$job/$suite.ktap
		touch "$ktap"
		planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$ktap" | head -n 1)
		[ "$planned" != 0 ] || planned=1
		skip=$(count "$ktap" '^ok .*# SKIP|^1\.\.0 # SKIP')
		ok=$(($(count "$ktap" '^ok ') - $(count "$ktap" '^ok .*# SKIP')))
		not_ok=$(count "$ktap" '^not ok ')
		missing=$((${planned:-1} - ok - skip - not_ok))
		[ $missing -ge 0 ] || missing=1
		passed=$((passed + ok)) failed=$((failed + not_ok + missing))
		skipped=$((skipped + skip))
		[ "$not_ok" -eq 0 ] || failures+=("$(grep '^not ok ' "$ktap" | sed "s|^|$job: |")")
		[ $missing -eq 0 ] || failures+=("$job: $suite: $missing without a result")
		[ $((not_ok + missing)) -eq 0 ] || failures+=("    see $ktap, $BUILD/check/$job/")
		[ "$skip" -eq 0 ] ||
			skips+=("$(grep -A 1 -E '^(# SKIP:|1\.\.0 # SKIP)' "$ktap" |
				sed "s|^|$job: |")")
	done
}
