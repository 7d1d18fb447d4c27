#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kselftests where a user has them: in a guest under KVM, with a kernel that a deferred error
# panics. With the guard they run. Without it they refuse to put such an error into a bank.
#
# VM: cpus=1 timeout=3600

source /repo/selftests/vm/in-host-vm/ktap.sh

source /repo/selftests/vm/in-host-vm/nested-guest.sh

with_guard()
{
	guest guarded 1 JOB=kselftest ASK=yes
	mv /lab/guarded/*.ktap /lab
	[ "$(cat /lab/guarded/status)" = 0 ]
}

without_guard()
{
	guest unguarded 1 JOB=kselftest TESTS=deferred,corrected REFERENCE=yes
}

# results SUITE PATTERN: how many of its results without the guard match
results()
{
	grep -cE "$2" "/lab/unguarded/$1.ktap"
}

refused()
{
	local all why="no guard and perhaps no fix in this kernel: a deferred error could panic it"

	cat /lab/unguarded/deferred.ktap
	all=$(results deferred '^(not )?ok ')
	[ "$all" -gt 0 ] && [ "$(results deferred '^ok .*# SKIP')" = "$all" ] &&
		[ "$(results deferred "^# SKIP: $why$")" = "$all" ]
}

not_refused()
{
	local why="an uncorrected error could stay until a real machine check finds it"

	cat /lab/unguarded/corrected.ktap
	[ "$(results corrected '^ok .*each bank goes by as it is$')" = 1 ] &&
		[ "$(results corrected '^not ok ')" = 0 ] &&
		[ "$(results corrected '^ok .*# SKIP')" = 2 ] &&
		[ "$(results corrected "^# SKIP: $why$")" = 2 ]
}

asked()
{
	cat /lab/guarded/asked.out
	grep -q '^# 1\.\.0 # SKIP .*AMD_MCE_GUARD_MAY_UNLOAD=yes allows that$' \
		/lab/guarded/asked.out && grep -x 'the guard is live' /lab/guarded/asked.out
}

loaded_again()
{
	cat /lab/guarded/ended.out /lab/guarded/killed.out
	grep -q '# SKIP' /lab/guarded/ended.out &&
		grep -x 'the guard is live' /lab/guarded/ended.out &&
		grep -x 'exit status 130' /lab/guarded/killed.out &&
		grep -x 'the guard is live' /lab/guarded/killed.out
}

ktap_print_header
ktap_set_plan 6
test_that "with the guard, a guest that has no fix runs the kselftests and lives" with_guard
test_that "the kselftests do not unload a guard that the guest needs, unless that is allowed" \
	asked
test_that "a guard that was loaded is loaded again when the kselftests end, or are ended" \
	loaded_again
test_that "without the guard, the guest lives through the kselftests" without_guard
test_that "without the guard, each test with a deferred error is skipped and says why" refused
test_that "without the guard, the tests of other errors run" not_refused
