# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Booting the kernel under test, and what goes into the guest.

# shellcheck disable=SC2034 # for whoever sources this
# An AMD CPU with SVM and without SMCA, as TCG emulates it: the host VM of the lab. With LA57, which
# this family lacks, an interrupt while identify_cpu() reads the feature bits anew would find none
# set for a moment, and KASAN would take half of the kernel's memory for a wild access.
readonly AMD_CPU=max,la57=off,vendor=AuthenticAMD,family=23,model=1
# Others, which have nothing to guard.
readonly INTEL_CPU=max,vendor=GenuineIntel HYGON_CPU=max,vendor=HygonGenuine,family=24

# What an emulated CPU takes long for, and software uses for speed if it is there: copies byte by
# byte, and vectors of 32 bytes. Without them a VM takes an eighth less time.
readonly LEFT_OUT=erms=off,fsrm=off,fzrm=off,fsrs=off,fsrc=off,avx=off,avx2=off

# run_vm DIR JOB CPU [KERNEL ARGUMENT...]: boots the kernel in use with the sysroot as the root file
# system and runs in-host-vm/JOB.sh there, whose output, results and console end up in DIR, below
# build/. The job finds DIR as /lab and what is built for the kernel as $OUT. INITRD is
# another initramfs for the stock kernel, SECURE_BOOT has it boot as in secureboot.sh, MACHINE is
# what a job with ssh has as its root.
#
# A job that needs another VM than most says so, in a line "# VM: ..." of these words:
#
#   cpus=N     in place of 2. A VM that has guests has 1: KVM hangs on CPUs that take turns, and on
#              CPUs that run at the same time a triple fault can, rarely, end it
#   timeout=N  seconds after which it is taken to hang, in place of 600, and many times what it
#              needs: nothing is judged by how long it took. VM_TIMEOUT from outside is for runs
#              that are expected to hang
#   parallel   its CPUs run at the same time, as they do with VM_PARALLEL=yes. Else they take turns,
#              which is less work: no instruction has to be atomic
#   kvm        on KVM, where this machine has it for AMD
#   icount     its time is its instructions, one each nanosecond, and its CPU has all that it can
#   ssh        what is written to ssh.sock in DIR comes out of a virtio port
run_vm()
{
	local dir=$1 cpu=$3 in_vm=/repo/build${1#"$BUILD"} arguments timeout=600 cpus=2
	local accel=(-accel "tcg,thread=single" -cpu "$cpu,$LEFT_OUT")
	local export=local,security_model=none
	local IN_SYSROOT=() BOOT MORE=() VM_PARALLEL=${VM_PARALLEL:-} words word

	arguments="console=ttyS0 quiet panic=-1 oops=panic log_buf_len=4M"
	arguments+=" root=root ro rootfstype=9p rootflags=trans=virtio,version=9p2000.L,cache=loose"
	# TCG's clock is measured roughly at first. KVM must take the later, finer value for the
	# same, or it leaves the guest's TSC without a ratio and the guest's timers stand still.
	arguments+=" kvm.tsc_tolerance_ppm=20000"
	# On a busy machine the few ticks that the kernel waits for as a test of the timer do not
	# come.
	arguments+=" no_timer_check"
	arguments+=" init=/repo/selftests/vm/in-host-vm/init.sh JOB=$2"
	arguments+=" SRC=$(use_kernel test; echo "$KERNEL_SRC") OUT=$KERNEL_OUT OBJ=$KERNEL_OBJ"
	read -ra words <<< "$(sed -n 's/^# VM: //p' "$TOP/selftests/vm/in-host-vm/$2.sh")"
	for word in "${words[@]}"; do
		case $word in
		cpus=*) cpus=${word#*=} ;;
		timeout=*) timeout=${word#*=} ;;
		parallel) VM_PARALLEL=yes ;;
		kvm)
			[ "${HOST_ACCEL:-tcg}" = kvm ] || continue
			accel=(-accel kvm -cpu host)
			IN_SYSROOT=(--dev-bind /dev/kvm /dev/kvm) ;;
		icount)
			accel[-1]=$cpu
			accel+=(-icount "shift=0,sleep=off") ;;
		ssh)
			MORE=(-device virtio-serial
				-device "virtserialport,chardev=ssh,name=ssh"
				-chardev "socket,id=ssh,path=$in_vm/ssh.sock,server=on,wait=off")
			MORE+=(-virtfs "$export,path=$MACHINE,mount_tag=machine,multidevs=remap") ;;
		*)
			die "in-host-vm/$2.sh: there is no '$word' for a VM" ;;
		esac
	done
	[ -z "$VM_PARALLEL" ] || accel=("${accel[@]/thread=single/thread=multi}")
	shift 3
	rm -rf "$dir"
	mkdir -p "$dir"
	BOOT=(-kernel "$KERNEL_OUT/bzImage" -append "$arguments $*")
	[ "$KERNEL_NAME" != stock ] || BOOT+=(-initrd "${INITRD:-$KERNEL_OUT/initrd}")
	[ -z "${SECURE_BOOT:-}" ] || secure_boot "$dir" "$SECURE_BOOT" "$arguments $*"
	in_sysroot timeout -k 10 "${VM_TIMEOUT:-$timeout}" qemu-system-x86_64 \
		"${accel[@]}" -smp "$cpus" -m 2048 \
		-nodefaults -display none -no-reboot -serial "file:$in_vm/console.log" \
		-d cpu_reset -D "$in_vm/cpu.log" \
		-virtfs "$export,path=/,mount_tag=root,readonly=on,multidevs=remap" \
		-virtfs "$export,path=$in_vm,mount_tag=lab" \
		"${MORE[@]}" "${BOOT[@]}" > "$dir/qemu.log" 2>&1 < /dev/null ||
		echo "exit status $?" >> "$dir/qemu.log"
	[ "$(cat "$dir/status" 2> /dev/null)" = 0 ]
}

# last_words DIR: of the VM there, if there is one, on lines of their own
last_words()
{
	[ -e "$1/console.log" ] || return
	printf '\n    see %s, which ends in\n' "$1/console.log"
	{
		tail -n 5 "$1/console.log" | tr -d '\r'
		tail -n 3 "$1/qemu.log"
		# The end of which the console has no word.
		grep '^Triple fault' "$1/cpu.log"
	} | cut -c 1-150 | sed 's/^/        /'
}
