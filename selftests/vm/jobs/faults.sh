#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading with each of its memory allocations failing in turn: whatever comes of it, nothing may
# stay behind.

source /repo/selftests/vm/jobs/ktap.sh

readonly KMEMLEAK=/sys/kernel/debug/kmemleak

try_all()
{
	/repo/selftests/vm/jobs/faults.pl "$KO" > /lab/faults 2>&1
}

# times PATTERN
times()
{
	grep -cE "$1" /lab/faults
}

# The last load is one that has met no failure.
some_of_each()
{
	tail -n 3 /lab/faults
	[ "$(times 'error 12;')" -gt 10 ] && [ "$(times ': loaded')" -gt 1 ] &&
		tail -n 1 /lab/faults | grep -q ': loaded; left: $'
}

nothing_left()
{
	! grep -vE '; left: $' /lab/faults
}

always_hooked()
{
	! grep ' hooks; ' /lab/faults
}

no_leak()
{
	# Fails if kmemleak has been off, or has gone off because it lacked memory itself.
	echo scan > $KMEMLEAK || return
	sleep 6
	echo scan > $KMEMLEAK || return
	! grep . $KMEMLEAK
}

# A failed vmalloc() is told with a trace, which is not meant.
no_other_splat()
{
	! dmesg | sed '/vmalloc error:/,/Call Trace/d' | splats
}

for fault in failslab fail_page_alloc; do
	echo N > /sys/kernel/debug/$fault/ignore-gfp-wait
	echo 0 > /sys/kernel/debug/$fault/verbose
done
echo clear > $KMEMLEAK

ktap_print_header
ktap_set_plan 6
test_that "loads with each of its allocations failing in turn" try_all
test_that "some of these loads fail, some do not, and the last has met no failure" some_of_each
test_that "either way no module, hook or file is left" nothing_left
test_that "each that succeeds hooks amd_clear_bank() and nothing else" always_hooked
test_that "nor is memory left, kmemleak says" no_leak
test_that "no splat" no_other_splat
ktap_print_msg "$(times 'error') loads failed, $(times ': loaded') did not"
