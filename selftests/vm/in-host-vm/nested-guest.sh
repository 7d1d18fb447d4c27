# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A guest that has the sysroot as its root file system and runs a job there, as its host VM does.

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

# guest NAME CPUS KERNEL ARGUMENT...: boots what this VM has booted, once more, to run a job; what
# comes of it is in /lab/NAME. By way of an initramfs: with 9p as its first root the guest hangs.
# Errors are told on the console, of which a serial line would take an exit for each character.
guest()
{
	mkdir "/lab/$1"
	# shellcheck disable=SC2046 # options and their values
	qemu-system-x86_64 -accel kvm -cpu host -smp "$2" -m 768 -nodefaults -display none \
		-no-reboot \
		$(share root path=/,readonly=on,multidevs=remap) $(share lab "path=/lab/$1") \
		-kernel "$OUT/bzImage" -initrd "$OUT/initramfs.cpio.gz" \
		-chardev "file,id=log,path=/lab/$1/console.log" \
		-device virtio-serial-pci,$PCI -device virtconsole,chardev=log \
		-monitor "unix:$MONITOR,server,nowait" \
		-append "$(< /proc/cmdline) console=hvc0 ${*:3} rdinit=/to-9p.sh" &
	wait_for "$1" $!
	[ "$(cat "/lab/$1/status")" = 0 ] || { tail -n 20 "/lab/$1/console.log"; return 1; }
}
