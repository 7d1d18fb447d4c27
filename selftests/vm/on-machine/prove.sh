#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The small form of `make prove`: fewer inputs, and one CPU.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/prove.sh"

readonly DIR="$BUILD/check/prove"

# As QEMU reports an error, with and without OVER, UC, ADDRV, DEFERRED and POISON.
readonly BASE=0x9800000000000000 MASK=0x6400180000000000
readonly PARTS="each,$BASE,$MASK;sample,100,1;timer,$BASE,$MASK,1"

ran()
{
	local log=$BUILD/check/prove.build

	build_proof > "$log" 2>&1 || { tail -n 5 "$log"; return 1; }
	take_inputs "$PARTS" none fixed-1 guarded-1 wrong-1 unguarded-1 && return
	tail -n 5 "$DIR/job.log"
	last_words "$DIR"
	return 1
}

ktap_print_header
ktap_set_plan 4
test_that "guests with and without the fix and the guard take the same errors" ran
# A second attempt is not to pass unseen.
grep ' gone without a word ' "$DIR/job.log" | sed 's/^/# /'
test_that "a guarded kernel accesses, logs and signals what a fixed one does" \
	equal fixed-1 guarded-1
test_that "without the guard, the guest panics at the first error that it takes otherwise than \
a fixed one" panics 1
test_that "a guard that clears one bit too many does not pass for the fix" wrong_noticed 1
