#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check.sh [check|all|rest]: runs the jobs of jobs.sh, those of the list check, of both, or what the
# first leaves out of the second; or what TESTS names: jobs, jobs with some of their suites, or
# kselftests, to run on the kernel under test. Sums up their KTAP. Exit status 0 only if nothing
# failed.

source "$(dirname "$0")/setup.sh"
source "$TOP/selftests/vm/scenarios.sh"
source "$TOP/selftests/vm/jobs.sh"
source "$TOP/selftests/vm/lib/tally.sh"

readonly CHECK="$BUILD/check"

# listed LIST: the names of its jobs
listed()
{
	local job

	for job in "${JOBS[@]}"; do
		case $1:${LIST[$job]} in
		all:* | check:check | rest:all) echo "$job" ;;
		esac
	done
}

# select_jobs NAME...: sets jobs, each with the suites it is to run, if not all. A NAME is a job, a
# kselftest, or both, as in debug:ftrace,stress.
select_jobs()
{
	local name suites suite twice kselftests=''

	jobs=()
	for name; do
		if [[ ",$KSELFTESTS,rasdaemon," == *",$name,"* ]]; then
			kselftests+=" $name"
		elif [[ $name != *:* && -n ${LIST[$name]:-} ]]; then
			jobs+=("$name")
		elif [[ $name == *:* && -n ${LIST[${name%%:*}]:-} ]]; then
			suites=${name#*:} name=${name%%:*}
			for suite in ${suites//,/ }; do
				[[ " ${SUITES[$name]} " == *" $suite "* ]] ||
					die "job $name has no suite '$suite', only:" \
						"${SUITES[$name]}"
			done
			jobs+=("$name ${suites//,/ }")
		else
			die "there is no test '$name', only:" \
				"${JOBS[*]} ${KSELFTESTS//,/ } rasdaemon"
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

# follow JOB [SUITE...]: runs a job that is alone, and shows what its tests print meanwhile
follow()
{
	local suite files=()

	for suite in "${@:2}"; do
		files+=("$CHECK/$1/$suite.out")
	done
	files+=("$CHECK/$1.ktap" "$CHECK/$1/job.log")
	run_jobs > "$CHECK/jobs.log" &
	tail -q -n +1 -s 0.2 --pid=$! -F "${files[@]}" 2> /dev/null
	wait
	cat "$CHECK/jobs.log"
}

report()
{
	local job name suites

	for job in "${jobs[@]}"; do
		read -r name suites <<< "$job"
		read -ra suites <<< "${suites:-${SUITES[$name]}}"
		[ ${#jobs[@]} -eq 1 ] || for suite in "${suites[@]}"; do
			echo "$name: $suite"
			sed 's/^/    /' "$CHECK/$name/$suite.ktap" 2> /dev/null
		done
		tally "$name" "${suites[@]}"
	done
	[ ${#skips[@]} -eq 0 ] || printf '%s\n' "${skips[@]}"
	[ ${#failures[@]} -eq 0 ] || printf '%s\n' "${failures[@]}"
	echo "$passed passed, $failed failed, $skipped skipped"
}

mapfile -t names < <(listed "${1:-check}")
[ ${#names[@]} -gt 0 ] || die "there is no list of jobs '$1', only: check all rest"
[ -z "${TESTS:-}" ] || read -ra names <<< "$TESTS"
select_jobs "${names[@]}"
# shellcheck disable=SC2086 # a list of words
for guest in $(expand ${SCENARIOS:-}); do
	scenario "$guest"
done
needed='test'
for job in "${jobs[@]}"; do
	needed+=" ${NEEDS[${job%% *}]}"
done
mapfile -t needed < <(tr ' ' '\n' <<< "$needed" | awk '$0 != "none" && !seen[$0]++')

setup "${needed[@]}"
use_kernel test
choose_accel
mkdir -p "$CHECK"
# A job that does not come to its start has no results, rather than those of an earlier run.
for job in "${jobs[@]%% *}"; do
	rm -rf "${CHECK:?}/$job"{,.ktap,.log}
done

if [ ${#jobs[@]} -eq 1 ]; then
	read -r name suites <<< "${jobs[0]}"
	# shellcheck disable=SC2086 # words
	follow "$name" ${suites:-${SUITES[$name]}}
else
	echo "${#jobs[@]} jobs, $AT_A_TIME at a time:"
	[ ! -t 1 ] || start_ticker "tests" jobs_done
	run_jobs | tee "$CHECK/jobs.log"
	stop_ticker
fi
report
[ $failed -eq 0 ]
