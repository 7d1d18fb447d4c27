# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What runs the host VM: TCG; or, if ACCEL=kvm asks for it, this machine's KVM where AMD's
# virtualization can be nested in it. A /dev/kvm that opens says little: only a guest does.

# choose_accel: sets HOST_ACCEL. The kernel under test must be there.
choose_accel()
{
	local reason

	export HOST_ACCEL=tcg
	case ${ACCEL:-tcg} in
	tcg)
		return ;;
	kvm) ;;
	*)
		die "ACCEL=$ACCEL is neither tcg nor kvm" ;;
	esac
	say "trying a guest in a VM on this machine's KVM"
	if reason=$(HOST_ACCEL=kvm VM_TIMEOUT=60 try_guest); then
		HOST_ACCEL=kvm
		say "that works: the lab uses KVM"
	else
		say "that does not work, the lab goes on with TCG: $reason"
	fi
}

# try_guest: succeeds if a guest comes to the end of the procedure, or prints why not
try_guest()
{
	local dir=$BUILD/accel

	if [ ! -w /dev/kvm ]; then
		echo "/dev/kvm cannot be written to"
	elif run_vm "$dir" procedure "$AMD_CPU" GUESTS=thread-unguarded; then
		return
	else
		grep -vE 'terminating on signal|^exit status 124$' "$dir/qemu.log" | grep . |
			tail -n 1 | grep . ||
			echo "the VM or its guest hangs; see $dir/console.log and $dir/job.log"
	fi
	return 1
}
