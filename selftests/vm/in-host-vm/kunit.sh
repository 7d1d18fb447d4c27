#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module's KUnit suites, which run when it is loaded: each case that the sources have must have
# passed, so that one that did not run at all is seen.

source /repo/selftests/vm/in-host-vm/ktap.sh
source /repo/selftests/vm/lib/kunit-cases.sh

# The module's own suites, between the two times it is the only one to print.
dmesg -C
insmod "$KO"
dmesg > /lab/kunit.log

# passed SUITE CASE: KUnit says so
passed()
{
	kunit_passed "$@" < /lab/kunit.log
}

ktap_print_header
ktap_set_plan $(($(kunit_cases /repo/rust/*.rs | wc -l) + 1))
while read -r suite case; do
	test_that "$suite: $case" passed "$suite" "$case"
done < <(kunit_cases /repo/rust/*.rs)
test_that "nothing so far has left a splat in the kernel log" no_splat
