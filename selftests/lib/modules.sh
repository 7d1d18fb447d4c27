#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086 # constants go both ways; none has a space
# Verbs for the tests: loading and unloading modules, and what they leave in the machine.

# insmod_guard() - the module next to the tests, or the one that is installed, with GUARD_OPTIONS
insmod_guard()
{
	if [ -f $MODULE.ko ]; then
		insmod $MODULE.ko ${GUARD_OPTIONS:-}
	else
		modprobe $MODULE ${GUARD_OPTIONS:-}
	fi
}

# load_guard() - load the guard
load_guard()
{
	[ -z "$REFERENCE" ] || return 0
	log "% insmod $MODULE${GUARD_OPTIONS:+ $GUARD_OPTIONS}"
	insmod_guard || die "cannot load $MODULE"
}

# load_failing_guard() - load the guard, which must fail
load_failing_guard()
{
	local output

	log "% insmod $MODULE"
	output=$(insmod_guard 2>&1) && die "$MODULE has loaded"
	# The reason that insmod and modprobe give for the same error is the same.
	log "> ${output##*: }"
}

# unload_guard() - unload the guard
unload_guard()
{
	[ -z "$REFERENCE" ] || return 0
	log "% rmmod $MODULE"
	rmmod $MODULE || die "cannot unload $MODULE"
}

# load_mod(module), unload_mod(module) - load and unload a test module
load_mod()
{
	[ -f "test_modules/$1.ko" ] || skip \
		"test_modules/$1.ko is not built: KDIR lacks headers or an option that it needs"
	log "% insmod $1"
	insmod "test_modules/$1.ko" || die "cannot load $1"
}

unload_mod()
{
	log "% rmmod $1"
	rmmod "$1" || die "cannot unload $1"
}

# unload(module) - unload a module if it is there, for cleaning up
unload()
{
	[ -d "/sys/module/$1" ] || return 0
	[ ! -d "/sys/kernel/livepatch/$1" ] || end_livepatch "$1"
	rmmod "$1" || echo "# cannot unload $1"
}

# show_hook() - whether ftrace has a hook at amd_clear_bank(), and the guard its files
show_hook()
{
	local files

	files=$(cd $GUARD_DIR 2> /dev/null && echo *)
	log "> hooks at amd_clear_bank(): $(hooks)"
	log "> files:${files:+ $files}"
}

# show_counter() - what the guard has counted since it was loaded
show_counter()
{
	[ -z "$REFERENCE" ] || return 0
	log "> counter: deferred_guarded $(< $GUARD_DIR/deferred_guarded)"
}

# find_doctor() - sets DOCTOR to the program that tells whether this machine is protected, if it is
# beside the tests or installed
find_doctor()
{
	DOCTOR=./amd-mce-guard-doctor
	[ -x $DOCTOR ] || DOCTOR=$(command -v amd-mce-guard-doctor)
}

# ask_doctor() - sets SAYS to its word for the machine, and to what it says of the hook
ask_doctor()
{
	local name value

	SAYS=
	while read -r name value; do
		case $name in
		status:)
			SAYS=$value ;;
		hooked:)
			SAYS+=", hooked: $value" ;;
		esac
	done < <($DOCTOR)
}

# set_ftrace(value) - set the sysctl kernel.ftrace_enabled, which may be refused: with EBUSY while
# there is a permanent hook, and with EOPNOTSUPP by kernels that have done with it (7.3)
set_ftrace()
{
	log "% sysctl kernel.ftrace_enabled=$1"
	(echo "$1" > $FTRACE_ENABLED) 2> /dev/null || log "> refused"
	log "> kernel.ftrace_enabled = $(< $FTRACE_ENABLED)"
}

# show_taint() - what the kernel holds against the guard's module
show_taint()
{
	log "> taint: $(< /sys/module/$MODULE/taint)"
}

# expected_taint() - O if it comes from outside the kernel's tree, E if the kernel wants signatures
# and it has none
expected_taint()
{
	local file=$MODULE.ko

	[ -f $file ] || file=$MODULE
	[ -n "$(modinfo -F intree $file)" ] || printf O
	[ -n "$(modinfo -F sig_id $file)" ] || ! grep -q ' mod_verify_sig$' /proc/kallsyms ||
		printf E
}
