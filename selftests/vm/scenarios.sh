# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# What is done to a guest, by the name of the scenario; each is the mail thread's procedure but for
# what its name says. A name ends in -guarded or -unguarded.

# Run in one host VM each.
readonly MODELS="smp4 qemu64 Opteron_G5 EPYC"
readonly VARIANTS="busy wake ten monitor inside touch ignore_ce stopgap"
readonly COMEBACK="panic-unguarded panic-nobootlog-unguarded panic-nobootlog-6.12-unguarded
	reset-guarded reset-nobootlog-guarded reboot
	ignore_ce-reset-unguarded ignore_ce-reset-nobootlog-unguarded crash-unguarded
	crash-nobootlog-unguarded suspend snapshot rmmod"
readonly KERNELS_OF_OTHERS="clang $VENDORS inlined $DEBIAN_VULNERABLE $DEBIAN_BEFORE"

# expand SCENARIO...: both guests of each, or the one that there is or that is named
expand()
{
	local scenario

	for scenario; do
		case $scenario in
		*guarded)
			echo "$scenario" ;;
		ignore_ce)
			echo "$scenario-unguarded" ;;
		*)
			printf '%s\n' "$scenario-unguarded" "$scenario-guarded" ;;
		esac
	done
}

# scenario NAME: sets what that means. GUEST: its kernel, see kernels.sh. CPU, SMP: its CPUs.
# GUARD, VICTIMS, POLL, BUSY, ALONE, LAST, PENDING, TOUCH, CRASH: what its init does. VIA: how
# errors come to it. BANK: where they are found. BOOT: kernel arguments. COMMAND: what the monitor
# is told once the error is there. REBOOTS: whether QEMU reboots the guest. DEATHS: panics before
# its first reboot. POLLER: what polls, and panics an unguarded one. FATE: what must become of it.
scenario()
{
	GUEST=test CPU=host SMP=1 VICTIMS=1 POLL=1 BUSY=no ALONE=no LAST=no PENDING=no TOUCH=''
	CRASH=no VIA=hwpoison BANK=9 BOOT='' REBOOTS=no COMMAND='' DEATHS=0 POLLER=mce_timer_fn
	GUARD=yes FATE=survival
	[[ $1 != *-unguarded ]] || GUARD=no FATE=panic
	case ${1%-*} in
	thread) ;;
	smp*)
		SMP=${1//[!0-9]/} ;;
	qemu64 | Opteron_* | EPYC)
		CPU=${1%-*} ;;
	busy)
		BUSY=yes ;;
	wake)
		VICTIMS=2 LAST=yes POLL=10 FATE=${FATE/survival/wake} ;;
	ten)
		VICTIMS=10 FATE=${FATE/survival/ten} ;;
	monitor)
		VIA=monitor BANK=6 ;;
	inside)
		ALONE=yes VIA=guest ;;
	fixed)
		GUEST=stock FATE=survival ;;
	"$DEBIAN_BEFORE")
		GUEST=${1%-*} FATE=inert ;;
	clang | series | vendor-* | debian-*)
		GUEST=${1%-*} ;;
	inlined)
		GUEST=inlined FATE=${FATE/survival/refusal} ;;
	touch)
		POLL=0 TOUCH=touch FATE=touch ;;
	ignore_ce)
		BOOT=mce=ignore_ce PENDING=stay FATE=unseen ;;
	stopgap)
		PENDING=stopgap ;;
	panic*)
		REBOOTS=yes DEATHS=1 FATE=loop ;;
	reset*)
		POLL=0 PENDING=tell COMMAND=system_reset REBOOTS=yes FATE=loop ;;
	ignore_ce-reset*)
		BOOT=mce=ignore_ce PENDING=tell COMMAND=system_reset REBOOTS=yes FATE=loop ;;
	reboot)
		POLL=0 PENDING=reboot REBOOTS=yes FATE=loop
		[ $GUARD = no ] || FATE=back ;;
	crash*)
		CRASH=loaded BOOT=crashkernel=128M FATE=undumped ;;
	suspend)
		# The console stays on, for a panic while resuming.
		POLL=0 PENDING=suspend COMMAND=system_wakeup BOOT=no_console_suspend
		POLLER=mce_syscore_resume FATE=${FATE/survival/resumption} ;;
	snapshot)
		VICTIMS=3 POLL=0 PENDING=snapshot COMMAND=snapshot BANK=5
		POLLER=mce_cpu_restart FATE=${FATE/survival/restored} ;;
	rmmod)
		POLL=0 PENDING=rmmod FATE=unloaded
		# The control: one that has been unloaded before.
		[ $GUARD = yes ] || GUARD=unloaded POLL=1 PENDING=no FATE=panic ;;
	*)
		die "there is no scenario '$1'" ;;
	esac
	case $1 in
	crash-nobootlog-*)
		CRASH=mce=nobootlog FATE=dump ;;
	# There the parameter only keeps the first poll from logging.
	*-nobootlog-6.12-*)
		BOOT+=" mce=nobootlog" GUEST=vendor-6.12 ;;
	*-nobootlog-*)
		BOOT+=" mce=nobootlog" FATE=back ;;
	esac
}

# describe SCENARIO: the test that it is
describe()
{
	local what guest="without the guard, the guest panics as in the thread"

	scenario "$1"
	case ${1%-*} in
	thread) what="the thread's procedure" ;;
	smp*) what="on ${1//[!0-9]/} CPUs" ;;
	qemu64 | Opteron_* | EPYC) what="on a CPU of model ${1%-*}" ;;
	busy) what="on busy CPUs" ;;
	wake) what="two errors at a time" ;;
	ten) what="ten errors, one after the other" ;;
	monitor) what="an error that QEMU's monitor puts into bank 6" ;;
	inside) what="an error that the guest injects by itself" ;;
	fixed) what="on a fixed kernel, Debian's linux $STOCK_SERIES" ;;
	clang) what="on a kernel by clang, with ThinLTO and kCFI and without Rust" ;;
	vendor-*) what="on linux ${GUEST#vendor-} with the defect, without Rust" ;;
	inlined) what="on a kernel whose polling clears banks without a call" ;;
	debian-*) what="on Debian's linux ${GUEST#debian-}" ;;
	touch) what="an error that the process meets by itself" ;;
	ignore_ce) what="with mce=ignore_ce" ;;
	stopgap) what="polling switched off by ignore_ce, and on again" ;;
	panic*) what="rebooting after a panic" ;;
	reset*) what="a reset with an error pending" ;;
	ignore_ce-reset*) what="a reset with mce=ignore_ce and an error pending" ;;
	reboot) what="an orderly reboot with an error pending" ;;
	crash*) what="a crash kernel after the panic" ;;
	suspend) what="suspended to RAM with an error pending" ;;
	snapshot) what="a snapshot with errors before, during and after" ;;
	rmmod) what="an error after rmmod" ;;
	esac
	[[ $1 != *-nobootlog-* ]] || what+=", with mce=nobootlog"
	[[ $1 != *-nobootlog-6.12-* ]] || what+=" on linux 6.12"
	[[ $1 == *-unguarded ]] || guest="with the guard, the process is signalled at its page"
	case $FATE in
	panic)
		case $POLLER in
		mce_syscore_resume) guest="${guest%%,*}, the guest panics on resume" ;;
		mce_cpu_restart) guest="${guest%%,*}, the restored guest panics as it polls" ;;
		esac ;;
	restored)
		guest="${guest%%,*}, it is restored and each process signalled at its page" ;;
	resumption)
		guest="${guest%%,*}, the guest resumes and the process is signalled at its page" ;;
	survival)
		[ $GUARD = yes ] || guest="without the guard, the process is signalled, too" ;;
	inert)
		guest="without the guard, the process is signalled"
		[ $GUARD = no ] || guest="the guard finds nothing to guard, and says so" ;;
	refusal)
		guest="the guard says that it cannot guard, and the guest panics" ;;
	wake)
		guest="with the guard, the last process is signalled at its page" ;;
	ten)
		guest="with the guard, each process is signalled at its page" ;;
	touch)
		guest="${guest%%,*}, it takes its usual way" ;;
	unseen)
		guest="${guest%%,*}, the error stays in its bank and nobody hears of it" ;;
	loop)
		guest="${guest%%,*}, the guest panics at each boot, before its init" ;;
	back)
		guest="${guest%%,*}, the guest comes back, its bank empty" ;;
	undumped)
		guest="it panics, too, and dumps nothing" ;;
	dump)
		guest="it comes up and reads the dump" ;;
	unloaded)
		what="rmmod with an error pending"
		guest="the process is signalled, and the guest lives on" ;;
	esac
	echo "$what: $guest"
}
