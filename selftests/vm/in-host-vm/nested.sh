#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kselftests where a user has them: in a guest under KVM, with a kernel that a deferred error
# panics. With the guard they run. Without it they refuse to put such an error into a bank.

source /repo/selftests/vm/in-host-vm/ktap.sh

# Devices with I/O ports. With the registers in memory that modern ones have the guest would stop:
# TCG's SVM can take their use for an exception's.
readonly PCI=disable-modern=on,disable-legacy=off

readonly MONITOR=/tmp/monitor

# Minutes of silence after which a guest is taken to hang, many times the longest it keeps.
readonly PATIENCE=10

# share TAG OPTIONS: what of this VM the guest sees
share()
{
	echo "-fsdev local,security_model=none,id=$1,$2"
	echo "-device virtio-9p-pci,fsdev=$1,mount_tag=$1,$PCI"
}

# tells NAME: that guest has told something lately, on its console or of a test
tells()
{
	[ -n "$(find "/lab/$1" -mmin -$PATIENCE)" ]
}

# state PID: what QEMU and the guest's CPU are at; twice, to tell a loop from a wait
state()
{
	local file

	for _ in 1 2; do
		for file in /proc/"$1"/task/*/{stat,syscall,stack}; do
			echo "$file: $(< "$file")"
		done
		printf '%s\n' "info status" "info registers" "info lapic" |
			timeout 20 socat -t 10 - UNIX-CONNECT:$MONITOR
		sleep 1
	done
}

# wait_for NAME PID: until that guest is off. One that hangs is ended; its state is kept.
wait_for()
{
	while kill -0 "$2" 2> /dev/null; do
		if ! tells "$1"; then
			echo "the guest hangs, see $1/hang"
			state "$2" > "/lab/$1/hang" 2>&1
			kill -KILL "$2"
		fi
		sleep 1
	done
	wait "$2"
}

# guest NAME [KERNEL ARGUMENT...]: boots what this VM has booted, once more, to run kselftests; what
# comes of it is in /lab/NAME. By way of an initramfs: with 9p as its first root the guest hangs.
# Errors are told on the console, of which a serial line would take an exit for each character.
guest()
{
	mkdir "/lab/$1"
	# shellcheck disable=SC2046 # options and their values
	qemu-system-x86_64 -accel kvm -cpu host -smp 1 -m 768 -nodefaults -display none -no-reboot \
		$(share root path=/,readonly=on,multidevs=remap) $(share lab "path=/lab/$1") \
		-kernel "$OUT/bzImage" -initrd "$OUT/initramfs.cpio.gz" \
		-chardev "file,id=log,path=/lab/$1/console.log" \
		-device virtio-serial-pci,$PCI -device virtconsole,chardev=log \
		-monitor "unix:$MONITOR,server,nowait" \
		-append "$(< /proc/cmdline) console=hvc0 JOB=kselftest ${*:2} rdinit=/to-9p.sh" &
	wait_for "$1" $!
	[ "$(cat "/lab/$1/status")" = 0 ] || { tail -n 20 "/lab/$1/console.log"; return 1; }
}

with_guard()
{
	guest guarded ASK=yes
	mv /lab/guarded/*.ktap /lab
	[ "$(cat /lab/guarded/status)" = 0 ]
}

without_guard()
{
	guest unguarded TESTS=deferred,corrected REFERENCE=yes
}

# results SUITE PATTERN: how many of its results without the guard match
results()
{
	grep -cE "$2" "/lab/unguarded/$1.ktap"
}

refused()
{
	local all why="no guard and perhaps no fix in this kernel: a deferred error could panic it"

	cat /lab/unguarded/deferred.ktap
	all=$(results deferred '^(not )?ok ')
	[ "$all" -gt 0 ] && [ "$(results deferred '^ok .*# SKIP')" = "$all" ] &&
		[ "$(results deferred "^# SKIP: $why$")" = "$all" ]
}

not_refused()
{
	local why="an uncorrected error could stay until a real machine check finds it"

	cat /lab/unguarded/corrected.ktap
	[ "$(results corrected '^ok .*each bank goes by as it is$')" = 1 ] &&
		[ "$(results corrected '^not ok ')" = 0 ] &&
		[ "$(results corrected '^ok .*# SKIP')" = 2 ] &&
		[ "$(results corrected "^# SKIP: $why$")" = 2 ]
}

asked()
{
	cat /lab/guarded/asked.out
	grep -q '^# 1\.\.0 # SKIP .*AMD_MCE_GUARD_MAY_UNLOAD=yes allows that$' \
		/lab/guarded/asked.out && grep -x 'the guard is live' /lab/guarded/asked.out
}

ktap_print_header
ktap_set_plan 5
test_that "with the guard, a guest that has no fix runs the kselftests and lives" with_guard
test_that "the kselftests do not unload a guard that the guest needs, unless that is allowed" \
	asked
test_that "without the guard, the guest lives through the kselftests" without_guard
test_that "without the guard, each test with a deferred error is skipped and says why" refused
test_that "without the guard, the tests of other errors run" not_refused
