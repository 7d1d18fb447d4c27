#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make doctor: what it says of machines that are made up of files, and of the kernels that there
# are.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"

readonly ROOT="$BUILD/check/doctor/root"
readonly MACHINE=/repo/build/check/doctor/root
readonly BANK=sys/devices/system/machinecheck/machinecheck0

# machine [VENDOR [FLAGS]]: one whose kernel is the one under test
machine()
{
	rm -rf "$ROOT"
	mkdir -p "$ROOT"/{proc/sys/kernel,boot,$BANK}
	{
		echo "vendor_id	: ${1:-AuthenticAMD}"
		echo "flags		: fpu ${2:-hypervisor} mce"
	} > "$ROOT/proc/cpuinfo"
	echo 6.19.8-test > "$ROOT/proc/sys/kernel/osrelease"
	cp "$BUILD/kernels/test/bzImage" "$ROOT/boot/vmlinuz-6.19.8-test"
	echo 300 > "$ROOT/$BANK/check_interval"
	echo 0 > "$ROOT/$BANK/ignore_ce"
}

# has_guard FUNCTION: loaded there, and at the entry of FUNCTION
has_guard()
{
	mkdir -p "$ROOT/sys/module/amd_mce_guard" "$ROOT/sys/kernel/debug/amd_mce_guard" \
		"$ROOT/sys/kernel/tracing"
	echo live > "$ROOT/sys/module/amd_mce_guard/initstate"
	echo 7 > "$ROOT/sys/kernel/debug/amd_mce_guard/banks_cleared"
	echo 3 > "$ROOT/sys/kernel/debug/amd_mce_guard/deferred_guarded"
	echo "$1 (1) R" > "$ROOT/sys/kernel/tracing/enabled_functions"
}

# says STATUS PATTERN [ARGUMENT...]: the doctor's exit status, and a line of it
says()
{
	local output status=0

	output=$(in_sysroot rust/doctor/doctor.sh --root $MACHINE "${@:3}") || status=$?
	printf '%s\n' "$output"
	[ $status -eq "$1" ] && grep -qE "$2" <<< "$output"
}

# on_kernel NAME STATUS PATTERN: of that kernel, in the same machine
on_kernel()
{
	machine
	says "$2" "$3" --image "/repo/build/kernels/$1/bzImage"
}

not_amd()
{
	machine GenuineIntel && says 0 "^reason: .*not AMD's"
}

has_smca()
{
	machine AuthenticAMD 'smca hypervisor' && says 0 '^reason: .*this CPU has SMCA'
}

protected()
{
	machine && has_guard amd_clear_bank && says 0 '^status: +protected' &&
		says 0 '^guarded: +3'
}

not_hooked()
{
	machine && has_guard another && says 1 '^hooked: +no' && says 1 '^status: +affected'
}

polling()
{
	machine && says 1 '^polling: +on' || return
	echo 0 > "$ROOT/$BANK/check_interval"
	says 1 '^polling: +off' || return
	rm -r "${ROOT:?}/$BANK"
	says 1 '^polling: +unknown'
}

livepatched()
{
	machine && mkdir -p "$ROOT/sys/kernel/livepatch/fix/vmlinux/amd_clear_bank,1" &&
		says 2 '^reason: .*it is livepatched'
}

no_image()
{
	machine && rm "$ROOT"/boot/* && says 2 '^reason: .*name it with --image'
}

no_symbols()
{
	machine
	in_sysroot sh -c "rust/doctor/unpack-image.sh build/kernels/test/bzImage |
		sed 's/0\x001\x002/0\x002\x001/' > $MACHINE/vmlinux
		rust/doctor/clear-bank.pl $MACHINE/vmlinux" | grep '^unknown .*CONFIG_KALLSYMS'
}

no_kernel()
{
	machine && cp "$TOP/COPYING" "$ROOT/boot/vmlinuz-6.19.8-test" &&
		says 2 '^reason: .*it is not a bzImage'
}

in_json()
{
	machine && has_guard amd_clear_bank
	in_sysroot sh -c "rust/doctor/doctor.sh --json --root $MACHINE |
		python3 -m json.tool --compact" > "$ROOT/json" &&
		grep '^{"status":"protected",.*"smca":false,.*"polling":"on",.*"guarded":3}$' \
			"$ROOT/json"
}

as_target()
{
	local output

	output=$(in_sysroot make -C /repo doctor 2>&1)
	printf '%s\n' "$output"
	grep '^status: ' <<< "$output"
}

unknown_option()
{
	machine && says 2 '' --what
}

ktap_print_header
ktap_set_plan 17
for kernel in debian-6.19.6 debian-6.19.8; do
	test_with $kernel "Debian's linux ${kernel#debian-} is affected" on_kernel $kernel 1 \
		'^check: +vulnerable'
done
test_with stock "Debian's linux $STOCK_SERIES is not" on_kernel stock 0 '^check: +checks'
test_that "a fixed kernel is not" on_kernel fixed 0 '^check: +checks'
test_that "the same with the fix taken out is" on_kernel reverted 1 '^check: +vulnerable'
test_that "a CPU that is not AMD's is not affected" not_amd
test_that "a CPU with SMCA is not" has_smca
test_that "the guard protects, and its counters are shown" protected
test_that "a guard without its hook does not" not_hooked
test_that "polling is on, off or unknown" polling
test_that "of a livepatched function it cannot tell" livepatched
test_that "without the image it cannot tell" no_image
test_that "nor of an image without symbols" no_symbols
test_that "nor of a file that is no kernel" no_kernel
test_that "--json is JSON" in_json
test_that "make doctor runs it" as_target
test_that "another option is refused" unknown_option
