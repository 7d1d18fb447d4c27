#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading with each of its memory allocations failing in turn: whatever comes of it, nothing may
# stay behind.

source /repo/selftests/vm/jobs/ktap.sh

readonly KMEMLEAK=/sys/kernel/debug/kmemleak
# More allocations than loading makes; only an injection that does not work gets there.
readonly MOST=3000

# load_failing N: loads the module with the Nth allocation failing. Prints the errno, 0 if it has
# loaded nevertheless, and how many more allocations it would have taken to get to the Nth.
load_failing()
{
	perl -e '
		open(my $ko, "<", $ARGV[1]) or die;
		open(my $nth, "+<", "/proc/thread-self/fail-nth") or die;
		my $empty = "";
		syswrite($nth, $ARGV[0]);
		my $error = syscall(313, fileno($ko), $empty, 0) ? $! + 0 : 0; # finit_module
		sysseek($nth, 0, 0);
		sysread($nth, my $left, 16);
		syswrite($nth, "0");
		print "$error ", $left + 0, "\n";
	' "$1" "$KO"
}

# nothing_left: no module, hook or file, or says what there is
nothing_left()
{
	local left=0

	! ls -d /sys/module/amd_mce_guard || left=1
	not_hooked || left=1
	no_files || left=1
	return $left
}

# try_all: sets how many loads failed and how many did not, and collects what went wrong
try_all()
{
	local nth error left

	for ((nth = 1; nth <= MOST; nth++)); do
		read -r error left < <(load_failing $nth)
		if [ "$error" = 0 ]; then
			survived=$((survived + 1))
			grep -q '^amd_clear_bank ' $TRACING/enabled_functions ||
				wrong+="loaded without a hook after failure $nth; "
			rmmod amd_mce_guard || wrong+="does not unload after failure $nth; "
		else
			refused=$((refused + 1))
		fi
		nothing_left > /tmp/left 2>&1 || wrong+="left by failure $nth: $(cat /tmp/left); "
		[ "$left" = 0 ] || break
	done
}

right()
{
	echo "$wrong"
	[ -z "$wrong" ]
}

# The last load is one that has met no failure.
some_of_each()
{
	echo "$refused loads failed, $survived did not, the last without a failure"
	[ $refused -gt 10 ] && [ $survived -gt 1 ] && [ $((refused + survived)) -lt $MOST ]
}

no_leak()
{
	[ -w $KMEMLEAK ] || return
	echo scan > $KMEMLEAK
	sleep 6
	echo scan > $KMEMLEAK
	! grep . $KMEMLEAK
}

echo N > /sys/kernel/debug/failslab/ignore-gfp-wait
echo N > /sys/kernel/debug/fail_page_alloc/ignore-gfp-wait
echo 0 > /sys/kernel/debug/failslab/verbose
echo 0 > /sys/kernel/debug/fail_page_alloc/verbose
echo clear > $KMEMLEAK
refused=0 survived=0 wrong=

ktap_print_header
ktap_set_plan 4
try_all
test_that "loads fail and succeed with an allocation that fails" some_of_each
test_that "either way no module, hook or file is left" right
test_that "nor memory, kmemleak says" no_leak
test_that "no splat" no_splat
ktap_print_msg "$refused loads failed, $survived did not"
