#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs every suite, or those that TESTS names, and sums up their KTAP. Exit status 0 only if nothing
# failed.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/setup.sh"

readonly SUITES=(lint build preflight kunit load refuse-intel refuse-hygon refuse-smca procedure)
readonly CHECK="$BUILD/check"

suite_ktap()
{
	case $1 in
	lint | build | preflight | procedure)
		"$TOP/selftests/vm/test-$1.sh" ;;
	kunit)
		run_in_vm kunit "$AMD_CPU" kunit.enable=1 ;;
	load)
		run_in_vm load "$AMD_CPU" ;;
	refuse-intel)
		run_in_vm refuse max,vendor=GenuineIntel ;;
	refuse-hygon)
		run_in_vm refuse max,vendor=HygonGenuine,family=24 ;;
	refuse-smca)
		run_in_vm refuse "$AMD_CPU" setcpuid=smca ;;
	esac
}

# run_in_vm JOB CPU [KERNEL ARGUMENT...]: a suite whose KTAP comes from inside a VM
run_in_vm()
{
	run_vm "$CHECK/$suite" "$@" ||
		echo "not ok - the VM did not finish, see $CHECK/$suite/console.log"
	cat "$CHECK/$suite/job.log"
}

# Whatever becomes of it: its KTAP, or the lack of it, tells.
run_suite()
{
	suite_ktap "$1" > "$CHECK/$1.ktap"
	return 0
}

count()
{
	grep -cE "$1" "$CHECK/$suite.ktap"
}

# A test that was planned and gave no result has failed, and so has a suite without a plan.
tally()
{
	local planned ok skip not_ok

	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$CHECK/$suite.ktap")
	skip=$(count '^ok .*# SKIP')
	ok=$(($(count '^ok ') - skip))
	not_ok=$(count '^not ok ')
	if [ $((ok + skip + not_ok)) -ne "${planned:-0}" ] || [ -z "$planned" ]; then
		echo "not ok - ${planned:-none} planned, $((ok + skip + not_ok)) came to a result" \
			>> "$CHECK/$suite.ktap"
		not_ok=$((not_ok + 1))
	fi
	passed=$((passed + ok)) failed=$((failed + not_ok)) skipped=$((skipped + skip))
	if [ "$not_ok" -gt 0 ]; then
		failures+=("$(grep '^not ok ' "$CHECK/$suite.ktap" | sed "s|^|$suite: |")"
			"    see $CHECK/$suite.ktap")
	fi
}

suites_done()
{
	grep -hE '^(not )?ok ' "$CHECK/$suite.ktap" | tail -n 1
}

read -ra selected <<< "${TESTS:-${SUITES[*]}}"
for suite in "${selected[@]}"; do
	[[ " ${SUITES[*]} " == *" $suite "* ]] ||
		die "there is no suite '$suite', only: ${SUITES[*]}"
done

setup --stock
rm -rf "$CHECK"
mkdir -p "$CHECK"
STAGE=0
STAGES=${#selected[@]}
passed=0 failed=0 skipped=0 failures=()

for suite in "${selected[@]}"; do
	stage "suite $suite" "$CHECK/$suite.log" suites_done run_suite "$suite"
	tally
	sed 's/^/    /' "$CHECK/$suite.ktap"
done

[ ${#failures[@]} -eq 0 ] || printf '%s\n' "${failures[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
