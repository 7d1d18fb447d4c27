# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Counting what KTAP says.

passed=0 failed=0 skipped=0 failures=() skips=()

# count PATTERN: lines of KTAP that match
count()
{
	grep -cE "$1" "$KTAP"
}

# tally_skips JOB: counts them, as failures if it is not known that they must be
tally_skips()
{
	local test expected=0

	while read -r test; do
		if may_skip "$1" "$test"; then
			expected=$((expected + 1))
		else
			failed=$((failed + 1))
			failures+=("$1: skipped, which was not to be expected: $test"
				"    see $KTAP")
		fi
	done < <(sed -nE 's/^ok [0-9]+ (.*) # SKIP.*/\1/p; s/^1\.\.0 # SKIP.*/all of it/p' "$KTAP")
	skipped=$((skipped + expected))
	[ $expected -eq 0 ] ||
		skips+=("$(grep -A 1 -E '^(# SKIP:|1\.\.0 # SKIP)' "$KTAP" | sed "s|^|$1: |")")
}

# tally JOB SUITE...: adds to the counts. A test that was planned and gave no result has failed, and
# so has a suite without a plan.
tally()
{
	local job=$1 dir=$BUILD/check/$1 suite planned ok not_ok missing

	shift
	for suite; do
		KTAP=$dir/$suite.ktap
		[ -r "$KTAP" ] || KTAP=/dev/null
		planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$KTAP" | head -n 1)
		[ "$planned" != 0 ] || planned=1
		ok=$(count '^ok ')
		not_ok=$(count '^not ok ')
		missing=$((${planned:-1} - ok - not_ok - $(count '^1\.\.0 # SKIP')))
		[ $missing -ge 0 ] || missing=1
		passed=$((passed + ok - $(count '^ok .*# SKIP')))
		failed=$((failed + not_ok + missing))
		[ "$not_ok" -eq 0 ] || failures+=("$(grep '^not ok ' "$KTAP" | sed "s|^|$job: |")")
		[ $missing -eq 0 ] ||
			failures+=("$job: $suite: $missing without a result$(last_words "$dir")")
		[ $((not_ok + missing)) -eq 0 ] ||
			failures+=("    see $dir/$suite.ktap")
		tally_skips "$job"
	done
}
