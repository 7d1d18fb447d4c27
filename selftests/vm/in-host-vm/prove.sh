#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In the host VM: boots each of $GUESTS, has it take the inputs of $PARTS_1 or $PARTS_2, and keeps
# what it has printed and what KVM has seen of its accesses to MSRs.
#
# VM: cpus=1 timeout=1800

source /repo/selftests/vm/lib/prove-guests.sh

readonly TRACING=/sys/kernel/tracing
readonly EVENT=$TRACING/events/kvm/kvm_msr

# Devices with I/O ports, as in nested-guest.sh.
readonly PCI=disable-modern=on,disable-legacy=off

# MCG_CAP, MCG_STATUS and MCG_CTL; HWCR; the banks; their further thresholds; SMCA.
MCA='ecx >= 0x179 && ecx <= 0x17b || ecx == 0xc0010015 || ecx >= 0x400 && ecx <= 0x47f'
MCA+=' || ecx >= 0xc0000400 && ecx <= 0xc0000410 || ecx >= 0xc0002000 && ecx <= 0xc0002fff'
readonly MCA

# Minutes of silence after which a guest is taken to hang, many times the longest it keeps.
readonly PATIENCE=10

# over DIR: the guest has taken all inputs, or says nothing any more
over()
{
	tail -n 1 "$1/output" | grep -q '^end ' || [ -z "$(find "$1/output" -mmin -$PATIENCE)" ]
}

# runs DIR: the guest's QEMU does, and has not stopped it for what KVM cannot make sense of
runs()
{
	kill -0 $qemu 2> /dev/null && ! grep -q '^KVM internal error' "$1/qemu.log"
}

# lost DIR: the guest has neither taken all inputs nor said why not
lost()
{
	! tail -n 1 "$1/output" | grep -q '^end ' && ! grep -q 'Kernel panic' "$1/console.log"
}

# run GUEST: what it does is in /lab/GUEST then. Fails if it is gone without a word, as with a
# triple fault.
run()
{
	local dir=/lab/$1 kernels=/repo/build/kernels parts qemu gone=no

	guest "$1"
	parts=PARTS_$CPUS
	rm -rf "$dir"
	mkdir "$dir"
	: > "$dir/output"
	# What is not compressed comes first: it must be aligned.
	cat $kernels/test/prove/prove.cpio $kernels/"$KERNEL"/initramfs.cpio.gz > /tmp/initrd
	: > $TRACING/trace
	# no_cmci: a storm of corrected errors is one by the clock, and polls by the clock.
	qemu-system-x86_64 -accel kvm -cpu host -smp "$CPUS" -m 256 -nodefaults -display none \
		-name "$1,debug-threads=on" -no-reboot \
		-kernel "$kernels/$KERNEL/bzImage" -initrd /tmp/initrd \
		-device virtio-serial-pci,$PCI -chardev "file,id=output,path=$dir/output" \
		-device virtserialport,chardev=output -chardev "file,id=log,path=$dir/console.log" \
		-device virtconsole,chardev=log \
		-append "console=hvc0 quiet panic=-1 mce=no_cmci rdinit=/prove.sh GUARD=$GUARD \
			LOG=$LOG PARTS=${!parts}" 2> "$dir/qemu.log" &
	qemu=$!
	# It does not go down by itself: TCG's SVM can take what it does then for an exception's.
	until over "$dir"; do
		sleep 1
		runs "$dir" || { gone=yes && break; }
	done
	kill $qemu 2> /dev/null
	wait $qemu
	grep '^KVM internal error' "$dir/qemu.log"
	cat $TRACING/per_cpu/cpu*/stats | grep -E '^(overrun|dropped events): [1-9]' &&
		echo "$1: the buffer of the trace was too small"
	grep 'kvm_msr:' $TRACING/trace > "$dir/trace"
	[ $gone = no ] || ! lost "$dir"
}

echo "$MCA" > $EVENT/filter || exit 1
echo global > $TRACING/trace_clock
echo 163840 > $TRACING/buffer_size_kb
echo 1 > $EVENT/enable || exit 1
# shellcheck disable=SC2153 # from the kernel command line
for name in ${GUESTS//,/ }; do
	since=$SECONDS
	# TCG's SVM, rarely, takes an interrupt of a guest with two CPUs for a fault in a
	# fault, or leaves a guest with CR3 of its host. If the guest's own kernel is to blame, an
	# input will do it again.
	for attempt in 1 2 3; do
		! run "$name" || break
		echo "$name: attempt $attempt of 3 is gone without a word at" \
			"$(grep '^input ' "/lab/$name/output" | tail -n 1)"
	done
	echo "$name: $((SECONDS - since)) seconds"
done
