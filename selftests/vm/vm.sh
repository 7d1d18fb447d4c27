# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Booting the kernel under test, and what goes into the guest.

# shellcheck disable=SC2034 # for whoever sources this
# An AMD CPU with SVM and without SMCA, as TCG emulates it: the host VM of the lab.
readonly AMD_CPU=max,vendor=AuthenticAMD,family=23,model=1

# Seconds after which a VM is taken to hang, many times what it needs; with a guest in it, longer
# than the procedure's own patience. Nothing is judged by how long it took.
readonly VM_TIMEOUT=300
readonly NESTED_VM_TIMEOUT=1300

# run_vm DIR JOB CPU [KERNEL ARGUMENT...]: boots with the sysroot as the root file system and runs
# selftests/vm/jobs/JOB.sh there, whose output, results and console end up in DIR, below build/.
# The job finds DIR as /lab.
run_vm()
{
	local dir=$1 cpu=$3 in_vm=/repo/build${1#"$BUILD"} arguments timeout=$VM_TIMEOUT
	local export=local,security_model=none

	arguments="console=ttyS0 panic=-1 oops=panic root=root ro rootfstype=9p"
	arguments+=" rootflags=trans=virtio,version=9p2000.L,cache=loose"
	# TCG's clock is measured roughly at first. KVM must take the later, finer value for the
	# same, or it leaves the guest's TSC without a ratio and the guest's timers stand still.
	arguments+=" kvm.tsc_tolerance_ppm=20000"
	arguments+=" init=/repo/selftests/vm/vm-init.sh JOB=$2 OBJ=$KERNEL_OBJ SRC=$KERNEL_SRC"
	[ "$2" != procedure ] || timeout=$NESTED_VM_TIMEOUT
	shift 3
	rm -rf "$dir"
	mkdir -p "$dir"
	in_sysroot timeout -k 10 "$timeout" qemu-system-x86_64 \
		-accel tcg,thread=multi -cpu "$cpu" -smp 2 -m 2048 \
		-nodefaults -display none -no-reboot -serial "file:$in_vm/console.log" \
		-virtfs "$export,path=/,mount_tag=root,readonly=on,multidevs=remap" \
		-virtfs "$export,path=$in_vm,mount_tag=lab" \
		-kernel "$KERNEL_OBJ/arch/x86/boot/bzImage" -append "$arguments $*" \
		> "$dir/qemu.log" 2>&1 < /dev/null
	[ "$(cat "$dir/status" 2> /dev/null)" = 0 ]
}

# build_module KDIR DIR: through the project's own Makefile and its preflight
build_module()
{
	in_sysroot make -C /repo KDIR="$1" MO="/repo/build/$2"
}

build_initramfs()
{
	in_sysroot "$INSIDE"/build-initramfs.sh
}
