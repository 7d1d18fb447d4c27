# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# What is done to a guest, by the name of the scenario; each is the mail thread's procedure but for
# what its name says. A name ends in -guarded or -unguarded.

# Run in one host VM each.
readonly PROCEDURE="thread smp2 smp4 qemu64 phenom Opteron_G3 Opteron_G5 EPYC"
readonly VARIANTS="busy wake ten monitor inside fixed touch ignore_ce"
readonly KERNELS_OF_OTHERS="clang vendor-6.12 vendor-6.18 inlined $DEBIAN_VULNERABLE $DEBIAN_BEFORE"

# expand SCENARIO...: both guests of each, or the one that there is
expand()
{
	local scenario

	for scenario; do
		echo "$scenario-unguarded"
		[ "$scenario" = ignore_ce ] || echo "$scenario-guarded"
	done
}

# scenario NAME: sets what that means. GUEST: its kernel, see kernel.sh. CPU, SMP: its CPUs.
# GUARD, VICTIMS, POLL, BUSY, ALONE, LAST, UNSEEN, TOUCH: what its init does. VIA: how errors come
# to it. BANK: where they are found. BOOT: kernel arguments. FATE: what must become of it.
scenario()
{
	GUEST=test CPU=host SMP=1 VICTIMS=1 POLL=1 BUSY=no ALONE=no LAST=no UNSEEN=no TOUCH=''
	VIA=hwpoison BANK=9 BOOT='' GUARD=yes FATE=survival
	[[ $1 != *-unguarded ]] || GUARD=no FATE=panic
	case ${1%-*} in
	smp*)
		SMP=${1//[!0-9]/} ;;
	qemu64 | phenom | Opteron_* | EPYC)
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
	clang | vendor-* | debian-*)
		GUEST=${1%-*} ;;
	inlined)
		GUEST=inlined FATE=${FATE/survival/refusal} ;;
	touch)
		POLL=0 TOUCH=touch FATE=touch ;;
	ignore_ce)
		BOOT=mce=ignore_ce UNSEEN=yes FATE=unseen ;;
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
	qemu64 | phenom | Opteron_* | EPYC) what="on a CPU of model ${1%-*}" ;;
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
	esac
	[[ $1 == *-unguarded ]] || guest="with the guard, the process is signalled at its page"
	case $FATE in
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
	esac
	echo "$what: $guest"
}
