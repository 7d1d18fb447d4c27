#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the guard costs, in instructions, beside the fixed kernel and the least guard in C.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/cost.sh"

readonly DIR="$BUILD/check/cost"

of()
{
	figure "$DIR/$1" "$@"
}

fixed_measured()
{
	measure "$DIR/fixed" fixed none,none
}

# Twice each: some of what a poll does depends on what happened before.
guard_measured()
{
	measure "$DIR/test" test none,guard,least,none,guard,least
}

# at_most MORE A B: A is a number, and at most so much more than B
at_most()
{
	echo "$2, and $3 to compare with"
	[ "$2" -gt 0 ] && [ "$3" -gt 0 ] && [ "$2" -le $(($3 + $1)) ]
}

# The negative control: what is measured is the callback.
hook_costs()
{
	echo "$(of test least deferred) with a hook, and $(of test none deferred) without"
	[ "$(of test least deferred)" -gt "$(of test none deferred)" ]
}

ktap_print_header
ktap_set_plan 6
test_that "a poll on the fixed kernel is measured" fixed_measured
test_that "a poll beside the guard is measured" guard_measured
test_that "a hook is seen in the figures" hook_costs
test_that "a poll that finds nothing costs the same with the guard" \
	at_most 0 "$(of test guard nothing)" "$(of test none nothing)"
test_that "a deferred error costs at most 6 instructions more than with the least guard in C" \
	at_most 6 "$(of test guard deferred)" "$(of test least deferred)"
test_that "a deferred error costs at most 54 instructions more than on the fixed kernel" \
	at_most 54 "$(of test guard deferred)" "$(of fixed none deferred)"
