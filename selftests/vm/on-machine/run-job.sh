#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run-job.sh JOB [SUITE...]: one job of `make check`, and a line about how it went. The KTAP of its
# suites, all of them unless some are named, ends up in build/check/JOB.

source "$(dirname "$0")/../lib/lab.sh"
source "$TOP/selftests/vm/jobs.sh"
source "$TOP/selftests/vm/scenarios.sh"
source "$TOP/selftests/vm/lib/tally.sh"

# skipped_without KERNEL: whether it is not to be had any more; then the suites say so
skipped_without()
{
	local suite reason

	reason=$(unavailable "$1") || return
	for suite in "${SUITES[@]}"; do
		echo "1..0 # SKIP $reason" > "$DIR/$suite.ktap"
	done
}

# kselftests KERNEL CPU [KERNEL ARGUMENT...]: the suites, in one VM
kselftests()
{
	local suite tests=" ${SUITES[*]}"

	! skipped_without "$1" || return
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

# outside [ARGUMENT...]: a suite of its own
outside()
{
	mkdir -p "$DIR"
	"$TOP/selftests/vm/on-machine/${SCRIPT:-$JOB}.sh" "$@" > "$DIR.ktap" 2> "$DIR.log"
	mkdir -p "$DIR"
	mv "$DIR.ktap" "$DIR/$JOB.ktap"
}

# shellcheck disable=SC2086 # lists of words
run()
{
	case $JOB in
	amd)
		kselftests test "$AMD_CPU" ;;
	debug)
		kselftests debug "$AMD_CPU" panic_on_warn=1 ;;
	clang)
		kselftests clang "$AMD_CPU" ;;
	stock)
		kselftests stock "$AMD_CPU" COPY=yes ;;
	reference)
		kselftests stock "$AMD_CPU" COPY=yes REFERENCE=yes ;;
	intel)
		kselftests test max,vendor=GenuineIntel ;;
	hygon)
		kselftests test max,vendor=HygonGenuine,family=24 ;;
	nomca)
		kselftests test "$AMD_CPU,mca=off" ;;
	smca)
		kselftests test "$AMD_CPU" setcpuid=smca ;;
	kunit)
		in_vm test kunit.enable=1 ;;
	overwritten | broken)
		in_vm test ;;
	running)
		in_vm stock ;;
	nested)
		in_vm test "TESTS=$(IFS=,; echo "${NESTED_KSELFTESTS[*]}")" ;;
	faults)
		in_vm debug kmemleak=on slab_nomerge ;;
	procedure)
		mapfile -t guests < <(expand ${SCENARIOS:-$PROCEDURE})
		outside procedure "${guests[@]}" ;;
	kernels)
		mapfile -t guests < <(expand ${SCENARIOS:-$KERNELS_OF_OTHERS})
		SCRIPT=procedure outside kernels "${guests[@]}" ;;
	variants)
		mapfile -t guests < <(expand ${SCENARIOS:-$VARIANTS})
		SCRIPT=procedure outside variants "${guests[@]}" ;;
	comeback)
		mapfile -t guests < <(expand ${SCENARIOS:-$COMEBACK})
		SCRIPT=procedure outside comeback "${guests[@]}" ;;
	*)
		outside ;;
	esac
}

readonly JOB=$1
readonly DIR="$BUILD/check/$JOB"
shift
read -ra SUITES <<< "${*:-$(suites "$JOB")}"

since=$SECONDS
rm -rf "$DIR" "$DIR.log"
mkdir -p "$DIR"
run
tally "$JOB" "${SUITES[@]}"
printf '%-12s %3d passed, %d failed, %d skipped in %s\n' "$JOB" $passed $failed $skipped \
	"$(elapsed $((SECONDS - since)))"
