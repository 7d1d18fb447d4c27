#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The mail thread's procedure twice, without and with the guard, a reboot of either kind of guest
# with an error in its bank, and a table and a page of what came of it. Exit status 0 only if the
# unguarded guest panicked as in the thread and then at each boot, and the guarded ones survived and
# came back.

# shellcheck disable=SC2317 # stage calls some of the functions
source "$(dirname "$0")/setup.sh"
source "$TOP/selftests/vm/scenarios.sh"
source "$TOP/selftests/vm/lib/verdict.sh"
source "$TOP/selftests/vm/lib/page.sh"

readonly DEMO="$BUILD/demo"
readonly DEMO_GUESTS=(panic-unguarded thread-guarded reboot-guarded)

last_event()
{
	grep -oE '^[a-z]*-(un)?guarded: [a-z ]*' "$DEMO/job.log" 2> /dev/null | tail -n 1
}

first_match()
{
	sed -n "s/$2/\1/p" "$1" 2> /dev/null | tr -d '\r' | head -n 1
}

row()
{
	printf '%s\t%s\t%s\n' "$@"
}

# outcome DIR: what the guest did, in a few words
outcome()
{
	if grep -q 'MCA architectural violation' "$1/console.log" 2> /dev/null; then
		echo "panic"
	elif grep -q '^SIGBUS' "$1/console.log" 2> /dev/null; then
		echo "bank cleared, process signalled"
	else
		echo "neither panic nor SIGBUS"
	fi
}

# after_reboot DIR: what became of the guest that rebooted with an error in its bank
after_reboot()
{
	local log=$1/console.log panics

	panics=$(grep -c ' mcheck_cpu_init+0x' "$log" 2> /dev/null)
	if [ "${panics:-0}" -gt 0 ]; then
		echo "panic at each boot ($panics seen)"
	elif [ "$(grep -c '^guest: ready' "$log" 2> /dev/null)" = 2 ]; then
		echo "back, bank cleared"
	else
		echo "neither panic nor back"
	fi
}

# both LABEL FILE PATTERN: a row with what PATTERN finds in FILE of each guest
both()
{
	local guest found=()

	for guest in panic-unguarded thread-guarded; do
		found+=("$(first_match "$DEMO/$guest/$2" "$3")")
	done
	row "$1" "${found[0]:--}" "${found[1]:--}"
}

table()
{
	local status_msr

	status_msr=$(status_msr 9)
	row '' 'without the guard' 'with the guard'
	both 'host PFN poisoned' injected '^pfn \(.*\)'
	both 'guest address' injected '^gpa \(.*\)'
	both 'bank 9 status' msr.after ".*msr_read $status_msr = \\(0x[0-9a-f]*\\)$"
	row 'the guest' "$(outcome "$DEMO/panic-unguarded")" \
		"$(outcome "$DEMO/thread-guarded")"
	both 'panic' console.log '.*Kernel panic - not syncing: \(.*\)'
	both 'fatal write to MSR' console.log '.*WRMSR to \(0x[0-9a-f]*\) .*'
	both 'in' console.log '.* \(amd_clear_bank+0x[^ ]*\).*'
	both 'write to its MCi_STATUS' msr.after ".*msr_write $status_msr = \\(.*\\)"
	both 'SIGBUS' console.log '^SIGBUS si_code \(5 ([A-Z_]*)\).*'
	both 'at' console.log '^SIGBUS .*si_addr \(0x[0-9a-f]*\).*'
	both 'victim page' console.log '^Data pages at \(0x[0-9a-f]*\) .*'
	both 'seconds' injected '^seconds \(.*\)'
	row 'rebooted with the error' "$(after_reboot "$DEMO/panic-unguarded")" \
		"$(after_reboot "$DEMO/reboot-guarded")"
}

# However it ends: the verdict is in what it leaves.
run_procedure()
{
	run_vm "$DEMO" procedure "$AMD_CPU" "GUESTS=$(IFS=,; echo "${DEMO_GUESTS[*]}")" ||
		echo "not as planned, see $DEMO/job.log and $DEMO/console.log"
}

setup test
use_kernel test
choose_accel
STAGE=0
STAGES=1
stage "the procedure, without and with the guard" "$BUILD/demo.log" last_event run_procedure

# The table shows what the judgements have sorted out.
complaints=()
for guest in "${DEMO_GUESTS[@]}"; do
	scenario "$guest"
	wrong=$("judge_$FATE" "$DEMO/$guest")
	[ -n "$wrong" ] || continue
	complaints+=("FAILED: $guest: no $FATE as expected:" "$wrong")
done

readonly EXPECTED="panic without the guard, SIGBUS BUS_MCEERR_AO and a way back with it"
if [ ${#complaints[@]} -eq 0 ]; then
	echo "as expected: $EXPECTED"
else
	printf '%s\n' "${complaints[@]}"
fi > "$DEMO/verdict"
table > "$DEMO/table"
{ build_page_program && page "$(kernel_release)" "$DEMO" panic-unguarded thread-guarded; } ||
	complaints+=("FAILED: $DEMO/index.html is not written, see above")

echo
echo "  linux $(kernel_release), deferred memory error in an AMD guest on KVM"
echo
awk -F '\t' '{ printf "  %-24s %-32s %s\n", $1, $2, $3 }' "$DEMO/table"
echo
echo "  page: $DEMO/index.html"
echo "  logs: $DEMO/{panic-unguarded,{thread,reboot}-guarded}/{console.log,msr.trace};"
echo "        the host's: $DEMO/console.log"
echo
if [ ${#complaints[@]} -eq 0 ]; then
	say "as expected: $EXPECTED"
else
	printf '%s\n' "${complaints[@]}"
	exit 1
fi
