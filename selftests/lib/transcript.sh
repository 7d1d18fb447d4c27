#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086 # constants go both ways; none has a space
# The transcript of a test: what its verbs and the kernel say, and what they ought to.

# What the guard says when it has been loaded.
readonly GUARDING="$MODULE: guarding: this CPU has no SMCA, amd_clear_bank() is hooked"

# since_mark(program) - what that awk program makes of the kernel log since the test began, without
# time stamps; fails if the log does not go back that far
since_mark()
{
	dmesg | awk -v mark="$MARK" '
		!begun { begun = index($0, mark); next }
		{ sub(/^(\[[^]]*\])+ /, "") }
		'"$1"'
		END { exit !begun }'
}

# transcript([pattern]) - what verbs and kernel have said, less what matches
transcript()
{
	since_mark "/${1:-^\$}/ || /taint(s|ing) kernel/ { next }
		/^[%>] |^$MODULE: |^test_mce_/"
}

# splat() - the kernel's mistakes since the test began; if the log does not go back that far, all
# that is in it
splat()
{
	since_mark "/$SPLATS/" || dmesg | grep -E "$SPLATS"
}

# first_guarded(bank, status) - what the guard says of the first error since it was loaded
first_guarded()
{
	printf '%s: bank %d: deferred error, status %#018x, is cleared without MCA_DESTAT; %s\n' \
		$MODULE $1 $2 "later ones are only counted"
}

# each_bank(cpu, witness, status) - what a witness says of the same error in each bank of a CPU
each_bank()
{
	local bank

	for ((bank = 0; bank < BANKS; bank++)); do
		echo "> $2 cpu $1 bank $bank status $3"
	done
}

# about_guard() - the lines of a transcript that there are only with the guard
about_guard()
{
	grep "$@" -E "^$MODULE: |^% (ins|rm)mod $MODULE|^> counter"
}

# check_result(expected[, pattern]) - end a test: it has passed if the transcript, less the lines
# that match, is as expected
check_result()
{
	local expected=$1 result

	result=$(transcript "${2:-}") || skip "the kernel log overflowed; boot with log_buf_len=4M"
	if [ -n "$REFERENCE" ]; then
		expected=$(about_guard -v <<< "$expected")
		result=$(about_guard -v <<< "$result")
	fi
	[ "$expected" = "$result" ] || {
		diff -u --label expected --label result <(echo "$expected") <(echo "$result")
		exit "$KSFT_FAIL"
	}
}
