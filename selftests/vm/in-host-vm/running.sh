#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The doctor on a kernel that runs, Debian's fixed one: what root is told, and what others are.

source /repo/selftests/vm/in-host-vm/ktap.sh

# says STATUS PATTERN COMMAND...: the doctor's exit status, and a line of it
says()
{
	local output status=0

	output=$("${@:3}") || status=$?
	printf '%s\n' "$output"
	[ $status -eq "$1" ] && grep -qE "$2" <<< "$output"
}

readonly DOCTOR=/repo/build/doctor/amd-mce-guard-doctor
readonly NOBODY=(setpriv --reuid 65534 --clear-groups)

loaded()
{
	insmod "$KO" && says 0 '^status: +protected' $DOCTOR && says 0 '^hooked: +yes' $DOCTOR
}

# The hook is in the code that the doctor reads.
fixed_at_boot()
{
	says 0 '^check: +checks' $DOCTOR && says 0 '^next_boot: +not affected' $DOCTOR
}

unloaded()
{
	rmmod amd_mce_guard && says 0 '^status: +not affected' $DOCTOR
}

# hidden PATTERN COMMAND...: what it says why root cannot look; there is no image here
hidden()
{
	"${@:2}" && says 2 "^reason: +$1" $DOCTOR
}

restrict()
{
	echo "$1" > /proc/sys/kernel/kptr_restrict
}

# As only a reboot undoes it, at the end.
lock_down()
{
	restrict 1 && { mountpoint -q $SECURITY || mount -t securityfs none $SECURITY; } &&
		echo confidentiality > $SECURITY/lockdown
}
readonly SECURITY=/sys/kernel/security

ktap_print_header
ktap_set_plan 8
test_that "the doctor tells root what the running kernel does" says 0 '^check: +checks' $DOCTOR
test_that "the doctor tells an ordinary user to be root, if it finds no image" \
	says 2 '^reason: +run as root' \
	"${NOBODY[@]}" $DOCTOR
test_that "the doctor says that a guarded machine is protected" loaded
test_that "the doctor says that a fixed kernel survives its next boot" fixed_at_boot
test_that "an ordinary user sees that the guard is loaded" \
	says 2 '^loaded: +yes' "${NOBODY[@]}" $DOCTOR
test_that "the doctor says that a fixed kernel is not affected without the guard" unloaded
test_that "the doctor names kptr_restrict=2 as what hides the kernel" \
	hidden 'kernel.kptr_restrict=2 hides' restrict 2
test_that "the doctor names a lockdown as what hides the kernel" \
	hidden 'lockdown=confidentiality closes' lock_down
