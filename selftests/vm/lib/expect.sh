# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What is looked for in the files that a guest has left: each says what it has not found as it ought
# to be. Patterns are extended regular expressions.

# status_msr BANK, destat_msr BANK: the bank's MCi_STATUS and MCA_DESTAT registers, as in the trace
status_msr()
{
	printf '%x' $((0x401 + 4 * $1))
}

destat_msr()
{
	printf '%x' $((0xc0002008 + 0x10 * $1))
}

expect()
{
	grep -qE -- "$2" "$1" 2> /dev/null || echo "${1##*/} lacks: $2"
}

expect_not()
{
	local line

	line=$(grep -m 1 -E -- "$2" "$1" 2> /dev/null) && echo "${1##*/} has: $line"
}

# expect_times N FILE PATTERN
expect_times()
{
	local times

	times=$(grep -cE -- "$3" "$2" 2> /dev/null)
	[ "$times" = "$1" ] || echo "${2##*/} has ${times:-0} times, not $1: $3"
}

# expect_at_least N FILE PATTERN
expect_at_least()
{
	local times

	times=$(grep -cE -- "$3" "$2" 2> /dev/null)
	[ "${times:-0}" -ge "$1" ] || echo "${2##*/} has ${times:-0} times, not $1 or more: $3"
}
