#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs every job, or what TESTS names: jobs, or kselftests to run on the kernel under test. Sums up
# their KTAP. Exit status 0 only if nothing failed.

source "$(dirname "$0")/setup.sh"
source "$TOP/selftests/vm/jobs.sh"
source "$TOP/selftests/vm/lib/tally.sh"

readonly CHECK="$BUILD/check"

# select_jobs NAME...: sets jobs, each with the suites it is to run, if not all. A NAME is a job, a
# kselftest, or both, as in debug:ftrace,stress.
select_jobs()
{
	local name suites twice kselftests=''

	jobs=()
	for name; do
		if [[ " ${KSELFTESTS[*]} rasdaemon " == *" $name "* ]]; then
			kselftests+=" $name"
		elif [[ " ${JOBS[*]} " == *" $name "* ]]; then
			jobs+=("$name")
		elif [[ " ${JOBS[*]} " == *" ${name%%:*} "* ]]; then
			suites=${name#*:}
			jobs+=("${name%%:*} ${suites//,/ }")
		else
			die "there is no test '$name', only:" \
				"${JOBS[*]} ${KSELFTESTS[*]} rasdaemon"
		fi
	done
	[ -z "$kselftests" ] || jobs+=("amd$kselftests")
	twice=$(printf '%s\n' "${jobs[@]%% *}" | sort | uniq -d)
	[ -z "$twice" ] || die "named twice:" "$twice, where one list does it: $twice:SUITE,SUITE"
}

# One more than there are CPUs: much of their time kselftests wait for the kernel to poll.
AT_A_TIME=$(($(nproc) + 1))

run_jobs()
{
	printf '%s\n' "${jobs[@]}" |
		xargs -P $AT_A_TIME -L 1 "$TOP/selftests/vm/on-machine/run-job.sh"
}

jobs_done()
{
	echo "$(grep -c passed "$CHECK/jobs.log") of ${#jobs[@]} done"
}

read -ra names <<< "${TESTS:-${JOBS[*]}}"
select_jobs "${names[@]}"
needed=
for job in "${jobs[@]}"; do
	needed+=" $(kernels "${job%% *}")"
done
mapfile -t needed < <(tr ' ' '\n' <<< "$needed" | awk 'NF && !seen[$0]++')

setup "${needed[@]}"
use_kernel test
choose_accel
rm -rf "$CHECK"
mkdir -p "$CHECK"

echo "${#jobs[@]} jobs, $AT_A_TIME at a time:"
[ ! -t 1 ] || start_ticker "tests" jobs_done
run_jobs | tee "$CHECK/jobs.log"
stop_ticker

for job in "${jobs[@]}"; do
	read -r name suites <<< "$job"
	read -ra suites <<< "${suites:-$(suites "$name")}"
	for suite in "${suites[@]}"; do
		echo "$name: $suite"
		sed 's/^/    /' "$CHECK/$name/$suite.ktap" 2> /dev/null
	done
	tally "$name" "${suites[@]}"
done

[ ${#skips[@]} -eq 0 ] || printf '%s\n' "${skips[@]}"
[ ${#failures[@]} -eq 0 ] || printf '%s\n' "${failures[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
