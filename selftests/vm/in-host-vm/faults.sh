#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading with each of its memory allocations failing in turn: whatever comes of it, nothing may
# stay behind. First those made on behalf of the module itself, whose number is always the same;
# then all of them but single pages, whose number is not: some refill what an allocator keeps, so
# that one or the other may be passed over.
#
# VM: timeout=3600

source /repo/selftests/vm/in-host-vm/ktap.sh

readonly DEBUGFS=/sys/kernel/debug

# set_fault WHICH NAME VALUE...
set_fault()
{
	while [ $# -gt 1 ]; do
		echo "$3" > "$DEBUGFS/$1/$2" || return
		set -- "$1" "${@:4}"
	done
}

# bounds FUNCTION: where it begins and where the next one does
bounds()
{
	sed -n "/ $1\$/{s/ .*//p;n;s/ .*//p}" /proc/kallsyms
}

# all_but CACHE...: objects of these never fail, those of all others can
all_but()
{
	local cache

	for cache in /sys/kernel/slab/*; do
		[[ " $* " == *" ${cache##*/} "* ]] || echo 1 > "$cache/failslab" || return
	done
	set_fault failslab cache-filter Y
}

# Each allocation has kmemleak make one, too, to remember it by, which is not loading's own.
of_its_own()
{
	local code

	all_but kmemleak_object || return
	mapfile -t code < <(bounds do_one_initcall)
	set_fault failslab ignore-gfp-wait N require-start "0x${code[0]}" \
		require-end "0x${code[1]}" || return
	/repo/selftests/vm/in-host-vm/faults.pl "$KO" > /lab/own 2>&1
}

all_of_them()
{
	set_fault failslab require-start 0 require-end 0xffffffffffffffff || return
	set_fault fail_page_alloc ignore-gfp-wait N min-order 1 || return
	/repo/selftests/vm/in-host-vm/faults.pl "$KO" > /lab/all 2>&1
}

# The one failure that is left when all memory has been got, the filter's included. Many times: to
# kmemleak whatever looks like a pointer is one, so that it misses some of what leaks.
without_ftrace()
{
	local failed=0

	echo 0 > /proc/sys/kernel/ftrace_enabled
	for _ in {1..20}; do
		load_fails_with "Device or resource busy" "$KO" || failed=1
	done
	echo 1 > /proc/sys/kernel/ftrace_enabled
	return $failed
}

# times FILE PATTERN
times()
{
	grep -cE "$2" "/lab/$1"
}

# some_of_each FILE LEAST: at least so many have failed; and the last has met no failure
some_of_each()
{
	tail -n 3 "/lab/$1"
	[ "$(times "$1" 'error 12;')" -ge "$2" ] && [ "$(times "$1" ': loaded')" -gt 1 ] &&
		tail -n 1 "/lab/$1" | grep -q ': loaded; left: $'
}

nothing_left()
{
	[ -s /lab/own ] && [ -s /lab/all ] && ! grep -vE '; left: $' /lab/own /lab/all
}

always_hooked()
{
	[ -s /lab/own ] && [ -s /lab/all ] && ! grep ' hooks; ' /lab/own /lab/all
}

no_leak()
{
	# Fails if kmemleak has been off, or has gone off because it lacked memory itself.
	echo scan > $DEBUGFS/kmemleak || return
	sleep 6
	echo scan > $DEBUGFS/kmemleak || return
	! grep . $DEBUGFS/kmemleak
}

# A failed vmalloc() is told with a trace, which is not meant.
no_other_splat()
{
	! dmesg | sed '/vmalloc error:/,/Call Trace/d' | splats
}

set_fault failslab verbose 0
set_fault fail_page_alloc verbose 0 min-order 99
echo clear > $DEBUGFS/kmemleak

ktap_print_header
ktap_set_plan 9
test_that "loading survives each of its own allocations failing in turn" of_its_own
test_that "loading fails by its own allocations, and the last load meets no failure" \
	some_of_each own 10
test_that "loading survives each allocation of any kind failing in turn" all_of_them
test_that "loading fails by allocations of any kind, and the last load meets no failure" \
	some_of_each all 50
test_that "a load that fails leaves no module, hook or file" nothing_left
test_that "a load that succeeds hooks amd_clear_bank() and nothing else" always_hooked
test_that "loading fails with ftrace switched off, though it has all its memory" without_ftrace
test_that "kmemleak finds no memory left" no_leak
test_that "nothing so far has left another splat in the kernel log" no_other_splat
for of in own all; do
	ktap_print_msg "$of: $(times $of error) loads failed, $(times $of ': loaded') did not"
done
