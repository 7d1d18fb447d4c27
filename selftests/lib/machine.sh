#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086 # constants go both ways; none has a space
# Verbs for the tests: what machine this is, and what may be done to it.

readonly MACHINECHECK=/sys/devices/system/machinecheck
readonly CPU1=/sys/devices/system/cpu/cpu1

# save_mce_config(), restore_mce_config() - polling, each second for the tests, and CPU 1
save_mce_config()
{
	CPU1_ONLINE=$(cat $CPU1/online 2> /dev/null)
	CHECK_INTERVAL=$(cat $MACHINECHECK/machinecheck0/check_interval 2> /dev/null)
	[ -z "$CHECK_INTERVAL" ] || poll_every 1
}

restore_mce_config()
{
	[ -z "$CHECK_INTERVAL" ] || poll_every "$CHECK_INTERVAL"
}

# cpus_online() - CPU 1 is back, and polled again, before it is asked what its banks hold
cpus_online()
{
	[ "$CPU1_ONLINE" != 1 ] || [ "$(< $CPU1/online)" = 1 ] || echo 1 > $CPU1/online
	[ -z "$CHECK_INTERVAL" ] || poll_every 1
}

poll_every()
{
	[ "$(cat $MACHINECHECK/machinecheck0/check_interval)" = "$1" ] ||
		echo "$1" > $MACHINECHECK/machinecheck0/check_interval
}

machine()
{
	./mce_inject 0 info | sed -n "s/^$1 //p"
}

cpu_flag()
{
	grep -qw "^flags.*$1" /proc/cpuinfo
}

vendor()
{
	awk '$1 == "vendor_id" { print $3; exit }' /proc/cpuinfo
}

family()
{
	awk -F ': ' '$1 ~ /^cpu family/ { print $2; exit }' /proc/cpuinfo
}

# affected() - a CPU that the guard is for
affected()
{
	[ "$(vendor)" = AuthenticAMD ] && cpu_flag mca && ! cpu_flag smca
}

# require_guard() - skip all tests if they are about the guard and it is to be left out
require_guard()
{
	[ -z "$REFERENCE" ] || skip_all "about the guard, which AMD_MCE_GUARD_REFERENCE leaves out"
}

# require_affected() - skip all tests where there is nothing to guard
require_affected()
{
	[ "$(vendor)" = AuthenticAMD ] || skip_all "this CPU is not AMD's: nothing to guard"
	! cpu_flag smca || skip_all "this CPU has SMCA: nothing to guard"
}

# require_banks() - skip all tests where errors cannot be injected into banks, or must not be
require_banks()
{
	require_affected
	[ -x ./mce_inject ] || skip_all "mce_inject is not built"
	cpu_flag hypervisor || skip_all "no virtual machine: its banks may hold real errors"
	[ -c /dev/cpu/0/msr ] || skip_all "no /dev/cpu/0/msr: no CONFIG_X86_MSR"
	./mce_inject 0 info > /dev/null || skip_all "the MSRs cannot be read"
	./mce_inject 0 error ||
		skip_all "the MSRs cannot be written: lockdown, or msr.allow_writes=off?"
	[ -n "$CHECK_INTERVAL" ] || skip_all "the kernel has no machine check handling"
	[ "$(cat $MACHINECHECK/machinecheck0/ignore_ce)" = 0 ] ||
		skip_all "polling is off: booted with mce=ignore_ce?"
	[ -w "$PROBES" ] || skip_all "no $PROBES: no CONFIG_KPROBE_EVENTS"
	BANKS=$(machine banks)
	[ "$BANKS" -ge 10 ] || skip_all "each CPU has $BANKS banks: the tests use banks 0 to 9"
	NOWHERE=$(machine nowhere)
	OFFSET=$(body_offset)
}

# hooks() - how many hooks ftrace has at amd_clear_bank(). Of a single one it names the module, of
# several none.
hooks()
{
	local functions

	functions=$'\n'$(< $TRACING/enabled_functions)
	if [[ ! $functions =~ $'\n'"amd_clear_bank ("([0-9]+)([^$'\n']*) ]]; then
		echo 0
	elif [[ ${BASH_REMATCH[1]} = 1 && ${BASH_REMATCH[2]} != *"[$MODULE]"* ]]; then
		echo "1, not by $MODULE"
	else
		echo "${BASH_REMATCH[1]}"
	fi
}

# guarded() - the guard is loaded and its hook is live, or one of several may be its
guarded()
{
	[ -e /sys/module/$MODULE/initstate ] &&
		[ "$(< /sys/module/$MODULE/initstate)" = live ] && [[ $(hooks) =~ ^[1-9][0-9]*$ ]]
}

# has_fix(release) - 6.19.10 and 7.0 have, candidates for 7.0 may not; of a vendor's kernel with an
# older number nobody knows
has_fix()
{
	local major minor patch

	IFS=.- read -r major minor patch _ <<< "$1"
	[ "$major" -gt 7 ] ||
		{ [ "$major" = 7 ] && [[ $minor -gt 0 || $1 != *-rc[0-9]* ]]; } ||
		{ [ "$major.$minor" = 6.19 ] && [ "${patch%%[!0-9]*}" -ge 10 ]; }
}

# harmless() - a deferred error does no harm without the guard, either: QEMU's emulation ignores the
# write that KVM faults
harmless()
{
	[ "$HYPERVISOR" = TCGTCGTCGTCG ] || has_fix "$(< /proc/sys/kernel/osrelease)"
}

# require_word() - skip all tests where they would unload a guard that is needed, unless that is
# allowed
require_word()
{
	[ -z "$WAS_LOADED" ] || [ "${AMD_MCE_GUARD_MAY_UNLOAD:-}" = yes ] || ! affected ||
		harmless || skip_all "$MODULE protects this machine, and the tests unload it:" \
		"a real error could panic it meanwhile; AMD_MCE_GUARD_MAY_UNLOAD=yes allows that"
}

# may_inject(status) - skip this test rather than put an error into a bank that ends in a panic
may_inject()
{
	if (($1 & DEFERRED_BIT)) && ! harmless && ! guarded; then
		skip "no guard and perhaps no fix in this kernel: a deferred error could panic it"
	fi
	if [[ $1 == "$UNCORRECTED" || $1 == "$CORRUPT" ]] && [ "$HYPERVISOR" != TCGTCGTCGTCG ]; then
		skip "an uncorrected error could stay until a real machine check finds it"
	fi
}
