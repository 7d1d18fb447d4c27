#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run-job.sh JOB [SUITE...]: one job of `make check`, and a line about how it went. The KTAP of its
# suites, all of them unless some are named, ends up in build/check/JOB.

source "$(dirname "$0")/../lib/lab.sh"
source "$TOP/selftests/vm/scenarios.sh"
source "$TOP/selftests/vm/jobs.sh"
source "$TOP/selftests/vm/lib/tally.sh"

# skipped_without KERNEL: whether it is not to be had any more; then the suites say so
skipped_without()
{
	local suite reason

	reason=$(unavailable "$1") || return
	for suite in "${suites[@]}"; do
		echo "1..0 # SKIP $reason" > "$DIR/$suite.ktap"
	done
}

# kselftests KERNEL CPU [KERNEL ARGUMENT...]: the suites, in one VM. Stress is what happens at the
# same time.
kselftests()
{
	local suite tests=" ${suites[*]}" VM_PARALLEL=''

	! skipped_without "$1" || return
	[[ "$tests " != *" stress "* ]] || VM_PARALLEL=yes
	tests=${tests/ checkers/}
	tests=${tests# }
	use_kernel "$1"
	run_vm "$DIR" kselftest "$2" "TESTS=${tests// /,}" "${@:3}" > "$DIR.log" 2>&1 ||
		echo "the VM did not finish" >> "$DIR.log"
	for suite in $tests; do
		[ -e "$DIR/$suite.ktap" ] || [ ! -e "$DIR/$suite.out" ] ||
			sed -n 's/^# //p' "$DIR/$suite.out" > "$DIR/$suite.ktap"
	done
}

# in_vm KERNEL [KERNEL ARGUMENT...]: a suite whose KTAP is what a job in a VM prints
in_vm()
{
	! skipped_without "$1" || return
	use_kernel "$1"
	shift
	run_vm "$DIR" "$JOB" "$AMD_CPU" "$@" > "$DIR.log" 2>&1 ||
		echo "the VM did not finish" >> "$DIR.log"
	mv "$DIR/job.log" "$DIR/$JOB.ktap"
}

# on_machine [ARGUMENT...]: a suite of its own
on_machine()
{
	mkdir -p "$DIR"
	"$TOP/selftests/vm/on-machine/${SCRIPT:-$JOB}.sh" "$@" > "$DIR.ktap" 2> "$DIR.log"
	mkdir -p "$DIR"
	mv "$DIR.ktap" "$DIR/$JOB.ktap"
}

# guests SCENARIO...: the thread's procedure with each, or with $SCENARIOS
guests()
{
	local guests

	# shellcheck disable=SC2086 # a list of words
	mapfile -t guests < <(expand ${SCENARIOS:-$*})
	SCRIPT=procedure on_machine "$JOB" "${guests[@]}"
}

readonly JOB=$1
readonly DIR="$BUILD/check/$JOB"
shift
read -ra suites <<< "${*:-${SUITES[$JOB]}}"
read -ra run <<< "${RUN[$JOB]}"

since=$SECONDS
mkdir -p "$DIR"
"${run[@]}"
tally "$JOB" "${suites[@]}"
printf '%-12s %3d passed, %d failed, %d skipped in %s\n' "$JOB" $passed $failed $skipped \
	"$(elapsed $((SECONDS - since)))"
