#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make doctor: on the kernels that there are, on small ones that have each form of the code, and on
# machines that are made up of files.

source "$(dirname "$0")/../lib/suite.sh"

readonly DOCTOR=build/doctor/amd-mce-guard-doctor
readonly WORK="$BUILD/check/doctor"
readonly MADE=build/check/doctor/made
readonly ROOT="$WORK/root"
readonly MACHINE=/repo/build/check/doctor/root
readonly RELEASE=6.19.8-made
readonly BANK=sys/devices/system/machinecheck/machinecheck0

# make_kernels: all forms of made-kernel.c, by both compilers
make_kernels()
{
	mkdir -p "$WORK/made"
	in_sysroot sh -e -c "for cc in gcc clang; do
		for form in \$(sed -nE 's/^#define ([A-Z_]+) +[0-9]+\$/\\1/p' \
				selftests/vm/on-machine/made-kernel.c); do
			\$cc -O2 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -ffreestanding \
				-fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables \
				-nostdlib -static -Wl,-Ttext=0xffffffff81000000 -Wl,-e,_text \
				-Wl,--build-id=none -DFORM=\$form -DRELEASE='\"$RELEASE\"' \
				-DCC=\"\\\"\$cc\\\"\" \
				-o $MADE/\$cc-\$form selftests/vm/on-machine/made-kernel.c
		done
	done"
	in_sysroot objcopy --redefine-sym amd_clear_bank=amd_clear_bank.llvm.4711 \
		$MADE/clang-VULNERABLE $MADE/clang-RENAMED
	in_sysroot objcopy --strip-symbol=amd_clear_bank $MADE/gcc-VULNERABLE $MADE/gcc-UNNAMED
	in_sysroot objcopy --strip-symbol=mce_flags $MADE/gcc-FIXED $MADE/gcc-UNNAMED_FLAGS
	in_sysroot objcopy --strip-symbol=register_ftrace_function $MADE/gcc-VULNERABLE \
		$MADE/gcc-UNTRACED
	in_sysroot objcopy --strip-symbol=__mcheck_cpu_init_prepare_banks $MADE/gcc-VULNERABLE \
		$MADE/gcc-ALWAYS_POLLS
	in_sysroot objcopy --strip-symbol=machine_check_poll $MADE/gcc-VULNERABLE $MADE/gcc-LOST
	in_sysroot objcopy --strip-symbol=machine_check_poll --strip-symbol=mce_log \
		$MADE/gcc-OLD $MADE/gcc-NO_MCE
	with_prototype RECORD 'struct mce *m'
	with_prototype NUMBER 'unsigned int bank'
}

# with_prototype FORM PARAMETER: the vulnerable kernel, with the BTF of an amd_clear_bank(PARAMETER)
with_prototype()
{
	in_sysroot sh -e -c "cd $MADE
		echo 'struct mce { long status; }; void amd_clear_bank($2) {}' |
			gcc -g -c -o $1.o -x c -
		pahole --btf_encode_detached $1.btf $1.o
		objcopy --add-section .BTF=$1.btf gcc-VULNERABLE gcc-$1"
}

# machine [VENDOR [FLAGS]]: one that runs a made kernel with the defect, and has its image; nobody
# sees its addresses
machine()
{
	rm -rf "$ROOT"
	mkdir -p "$ROOT"/{proc/sys/kernel,boot,$BANK}
	{
		echo "vendor_id	: ${1:-AuthenticAMD}"
		echo "cpu family	: 25"
		echo "flags		: fpu ${2:-hypervisor mce mca}"
	} > "$ROOT/proc/cpuinfo"
	echo $RELEASE > "$ROOT/proc/sys/kernel/osrelease"
	echo quiet > "$ROOT/proc/cmdline"
	echo 300 > "$ROOT/$BANK/check_interval"
	echo 0 > "$ROOT/$BANK/ignore_ce"
	runs gcc-VULNERABLE
	sed -i 's/^[0-9a-f]*/0000000000000000/' "$ROOT/proc/kallsyms"
	rm "$ROOT/proc/kcore"
	cp "$WORK/made/gcc-VULNERABLE" "$ROOT/boot/vmlinuz-$RELEASE"
}

# runs KERNEL: that machine runs that made kernel, and all of it can be seen
runs()
{
	in_sysroot nm "$MADE/$1" > "$ROOT/proc/kallsyms"
	cp "$WORK/made/$1" "$ROOT/proc/kcore"
	strings "$WORK/made/$1" | grep '^Linux version' > "$ROOT/proc/version"
}

# has_guard LINE: loaded there, and that line is in enabled_functions
has_guard()
{
	mkdir -p "$ROOT/sys/module/amd_mce_guard" "$ROOT/sys/kernel/debug/amd_mce_guard" \
		"$ROOT/sys/kernel/tracing"
	echo live > "$ROOT/sys/module/amd_mce_guard/initstate"
	echo 3 > "$ROOT/sys/kernel/debug/amd_mce_guard/deferred_guarded"
	printf '%s\n' "$1" > "$ROOT/sys/kernel/tracing/enabled_functions"
}

readonly OWN_HOOK='amd_clear_bank (1) 	tramp: 0xffffffffc0200000 (f+0x0/0x9 [amd_mce_guard])'

# says STATUS PATTERN [ARGUMENT...]: the doctor's exit status, and a line of it
says()
{
	local output status=0

	output=$(in_sysroot $DOCTOR --root $MACHINE "${@:3}" 2>&1) || status=$?
	printf '%s\n' "$output"
	[ $status -eq "$1" ] && grep -qE -- "$2" <<< "$output"
}

# says_of IMAGE STATUS PATTERN: of that image, in the machine
says_of()
{
	machine && says "$2" "$3" --image "$1"
}

# says_of_made STATUS PATTERN FORM: of both compilers' kernels of that form
says_of_made()
{
	says_of "$MADE/gcc-$3" "$1" "$2" && says_of "$MADE/clang-$3" "$1" "$2"
}

unit_tests()
{
	in_sysroot sh -c "rustc --edition 2021 --test -O -o build/check/doctor/unit-tests \
			rust/doctor/main.rs &&
		IMAGE=build/kernels/test/bzImage build/check/doctor/unit-tests -q"
}

no_rustc()
{
	refuses 'no-rustc is missing, which builds the doctor; install it' \
		in_sysroot make -C /repo -B RUSTC=no-rustc $DOCTOR
}

is_static()
{
	in_sysroot readelf -lW $DOCTOR | { ! grep -E 'INTERP'; }
}

not_amd()
{
	machine GenuineIntel && says 0 '^reason: .*not AMD'
}

has_smca()
{
	machine AuthenticAMD 'smca hypervisor' && says 0 '^reason: .*this CPU has SMCA'
}

# On a host, of a kernel for its guests.
image_for_guests()
{
	machine GenuineIntel &&
		says 1 "^reason: .*\(not on this machine: this CPU is not AMD's\)$" \
			--image $MADE/gcc-VULNERABLE &&
		says 1 '^next_boot: +not affected' --image $MADE/gcc-VULNERABLE &&
		says 2 '^reason: +/missing: No such file' --image /missing &&
		machine AuthenticAMD 'smca hypervisor' &&
		says 1 '^reason: .*\(not on this machine: this CPU has SMCA\)$' \
			--image $MADE/gcc-VULNERABLE &&
		says 0 '^status: +not affected' --image $MADE/gcc-FIXED
}

no_cpuinfo()
{
	machine && rm "$ROOT/proc/cpuinfo" && says 2 'does not name a CPU'
}

# A guest with -cpu host,-mca, on a kernel with the defect; and one booted with mce=off.
no_machine_checks()
{
	machine AuthenticAMD 'hypervisor mce' && rm -r "${ROOT:?}/${BANK%/*}" &&
		says 0 '^reason: .*no machine checks' && machine && rm -r "${ROOT:?}/${BANK%/*}" &&
		says 1 '^status: +affected' && echo 'quiet mce=off' > "$ROOT/proc/cmdline" &&
		says 0 '^reason: .*mce=off'
}

protected()
{
	machine && has_guard "$OWN_HOOK" && says 0 '^status: +protected' &&
		says 0 '^deferred_guarded: +3' &&
		has_guard "${OWN_HOOK/bank/bank.llvm.4711}" && says 0 '^status: +protected' &&
		has_guard 'amd_clear_bank (2) R' && says 0 '^status: +protected'
}

not_hooked()
{
	machine && has_guard 'another (1)' && says 1 '^hooked: +no' &&
		says 1 '^reason: .*NOT HOOKED' &&
		has_guard 'amd_clear_bank (1)  	tramp: 0xffffffffc0200000 (f+0x0/0x9 [other])' &&
		says 1 '^hooked: +no'
}

hook_unseen()
{
	machine && has_guard "$OWN_HOOK" && rm -r "$ROOT/sys/kernel/tracing" &&
		says 2 '^hooked: +unknown' && says 2 '^reason: .*tracefs mounted'
}

affected()
{
	machine && says 1 '^reason: .*modprobe amd_mce_guard'
}

not_traceable()
{
	says_of $MADE/gcc-UNTRACED 1 '^reason: .*no function tracer: .*mce=nobootlog' &&
		says_of $MADE/gcc-INLINED 1 '^reason: .*cannot be guarded: .*mce=nobootlog'
}

polling()
{
	machine && says 1 '^polling: +on' || return
	echo 0 > "$ROOT/$BANK/check_interval"
	says 1 '^polling: +off' || return
	rm -r "${ROOT:?}/$BANK"
	says 1 '^polling: +unknown'
}

livepatched()
{
	machine && mkdir -p "$ROOT/sys/kernel/livepatch/fix/vmlinux/amd_clear_bank,1" &&
		says 2 '^reason: .*amd_clear_bank\(\) is livepatched'
}

# The BTF is that of the image, or of the kernel that runs.
other_prototype()
{
	local why='^reason: .*cannot be guarded, as its amd_clear_bank\(\) takes no struct mce \*'

	says_of $MADE/gcc-RECORD 1 '^reason: .*load amd_mce_guard' || return
	says_of $MADE/gcc-NUMBER 1 "$why" || return
	machine && runs gcc-VULNERABLE && mkdir -p "$ROOT/sys/kernel/btf" &&
		cp "$WORK/made/NUMBER.btf" "$ROOT/sys/kernel/btf/vmlinux" && says 1 "$why"
}

# boots STATUS "NEXT, CRASH" [ARGUMENT...]: the doctor's exit status, and what it says of the next
# boot and of the crash kernel
boots()
{
	says "$1" "^next_boot: +${2%, *}\$" "${@:3}" &&
		says "$1" "^crash_kernel: +${2#*, }\$" "${@:3}"
}

# boots_with IMAGE NEXT: with mce=nobootlog, of that image
boots_with()
{
	machine && echo 'quiet mce=nobootlog' > "$ROOT/proc/cmdline" &&
		boots 1 "$2, none" --image "$1"
}

# Whether it is protected now is another matter, and the exit status is about that alone.
next_boot()
{
	local status

	for status in 1 0; do
		machine && { [ $status = 1 ] || has_guard "$OWN_HOOK"; } &&
			boots $status 'may panic, none' &&
			says $status '^boot_reason: .*put mce=nobootlog at the end' &&
			echo 'mce=bootlog mce=nobootlog mce=ignore_ce' > "$ROOT/proc/cmdline" &&
			boots $status 'survives, none' &&
			echo 'mce=nobootlog mce=bootlog' > "$ROOT/proc/cmdline" &&
			boots $status 'may panic, none' || return
	done
}

old_family()
{
	machine && sed -i 's/25/16/' "$ROOT/proc/cpuinfo" && boots 1 'survives, none' &&
		echo mce=bootlog > "$ROOT/proc/cmdline" && boots 1 'may panic, none'
}

always_polls()
{
	boots_with $MADE/gcc-ALWAYS_POLLS 'may panic' &&
		says 1 '^boot_reason: .*mce=nobootlog, too: boot a fixed one' \
			--image $MADE/gcc-ALWAYS_POLLS
}

# It does not matter why: the CPU, or the kernel, with and without a guard.
unaffected_boot()
{
	machine GenuineIntel && boots 0 'not affected, not affected' && machine &&
		runs gcc-FIXED && boots 0 'not affected, not affected' &&
		has_guard "$OWN_HOOK" && says 0 '^status: +protected' &&
		boots 0 'not affected, not affected' && machine && runs gcc-OTHER_FLAG &&
		rm "$ROOT"/boot/* && boots 2 'unknown, unknown'
}

unseen_command_line()
{
	machine && rm "$ROOT/proc/cmdline" && boots 1 'unknown, unknown' && machine &&
		sed -i '/family/d' "$ROOT/proc/cpuinfo" && boots 1 'unknown, unknown' &&
		says 1 "^boot_reason: .*the CPU's family in /proc/cpuinfo"
}

# crash FILE LINE...: a machine with mce=nobootlog and a crash kernel that this configures
crash()
{
	machine && echo 'quiet crashkernel=256M mce=nobootlog' > "$ROOT/proc/cmdline" &&
		mkdir -p "$ROOT/${1%/*}" && printf '%s\n' "${@:2}" > "$ROOT/$1"
}

# loads_crash_kernel: it is in memory
loads_crash_kernel()
{
	mkdir -p "$ROOT/sys/kernel" && echo 1 > "$ROOT/sys/kernel/kexec_crash_loaded"
}

# crash_kernels FILE NAME: NAME is the variable there
crash_kernels()
{
	crash "$1" "#$2=\"\"" "$2_APPEND='irqpoll nr_cpus=1'" &&
		boots 1 'survives, survives' &&
		crash "$1" "$2=\"root=/dev/vda1\"" && boots 1 'survives, may panic' &&
		says 1 "^boot_reason: .*put mce=nobootlog into $2 in /$1" &&
		crash "$1" "$2=\"root=/dev/vda1\"" "$2_APPEND=\"irqpoll mce=nobootlog\"" &&
		boots 1 'survives, survives' &&
		echo 'quiet crashkernel=1G' > "$ROOT/proc/cmdline" &&
		boots 1 'may panic, survives' && echo quiet > "$ROOT/proc/cmdline" &&
		boots 1 'may panic, none' && loads_crash_kernel && boots 1 'may panic, survives' &&
		crash "$1" "$2_APPEND=\"mce=off\"" && boots 1 'survives, survives' &&
		echo crashkernel=1G > "$ROOT/proc/cmdline" && boots 1 'may panic, survives'
}

# With what somebody has typed, who can tell.
loaded_by_hand()
{
	machine && loads_crash_kernel && boots 1 'may panic, unknown' &&
		says 1 '^boot_reason: .*command line of the crash kernel is unknown'
}

# The kernel's memory, which root sees, counts more than its image.
memory()
{
	machine && runs gcc-FIXED && says 0 '^check: +checks' && runs gcc-VULNERABLE &&
		rm "$ROOT"/boot/* && says 1 '^check: +vulnerable' && runs clang-OLD &&
		says 0 '^check: +absent'
}

# What hides the running kernel is said.
hidden()
{
	machine && rm "$ROOT"/boot/* && says 2 '^reason: .*run as root with CAP_SYSLOG' &&
		echo 2 > "$ROOT/proc/sys/kernel/kptr_restrict" &&
		says 2 '^reason: .*kernel.kptr_restrict=2 hides' && runs gcc-VULNERABLE &&
		rm "$ROOT/proc/kcore" && says 2 '^reason: .*no /proc/kcore'
}

# As on a microVM: names without addresses, neither kcore nor image.
no_poll()
{
	machine && rm "$ROOT"/boot/* && runs gcc-NO_MCE && rm "$ROOT/proc/kcore" &&
		sed -i 's/^[0-9a-f]*/0000000000000000/' "$ROOT/proc/kallsyms" &&
		says 0 '^reason: .*no machine_check_poll\(\)' &&
		head -n 10 "$ROOT/proc/kallsyms" > "$WORK/few" &&
		cp "$WORK/few" "$ROOT/proc/kallsyms" && says 2 '^reason: .*not complete'
}

lost_name()
{
	machine && rm "$ROOT"/boot/* && runs gcc-LOST && says 2 '^reason: .*has mce_log\(\) and no'
}

configured()
{
	local config='CONFIG_X86_64=y\n# CONFIG_X86_MCE is not set\n'

	# shellcheck disable=SC2059 # with newlines
	machine && rm "$ROOT"/boot/* && printf "$config" | gzip > "$ROOT/proc/config.gz" &&
		says 0 '^reason: .*without CONFIG_X86_MCE \(/proc/config.gz\)' &&
		rm "$ROOT/proc/config.gz" &&
		printf "${config/MCE/MCE_AMD}" > "$ROOT/boot/config-$RELEASE" &&
		sed -i '/amd_clear_bank/d' "$ROOT/proc/kallsyms" &&
		says 0 '^reason: .*without CONFIG_X86_MCE_AMD \(/boot/config-' &&
		printf "CONFIG_X86_64=y\nCONFIG_X86_MCE=y\n" > "$ROOT/boot/config-$RELEASE" &&
		says 2 '^status: +cannot tell'
}

# Left there by another build of the release than the one that runs.
stale_config()
{
	machine && rm "$ROOT"/boot/* &&
		printf '%s\n' CONFIG_X86_64=y '# CONFIG_X86_MCE_AMD is not set' \
			> "$ROOT/boot/config-$RELEASE" &&
		says 2 '^status: +cannot tell' &&
		sed -i 's/ amd_clear_bank$/&.llvm.4711/' "$ROOT/proc/kallsyms" &&
		grep -q ' amd_clear_bank.llvm.4711$' "$ROOT/proc/kallsyms" &&
		says 2 '^status: +cannot tell' && runs gcc-VULNERABLE &&
		says 1 '^status: +affected'
}

# An image is found wherever distributions keep it.
image_places()
{
	local path

	for path in boot/vmlinuz-$RELEASE boot/vmlinux-$RELEASE boot/vmlinuz-linux \
		usr/lib/modules/$RELEASE/vmlinuz lib/modules/$RELEASE/vmlinuz \
		boot/0123456789abcdef/$RELEASE/linux efi/0123456789abcdef/$RELEASE/linux \
		boot/efi/0123456789abcdef/$RELEASE/linux boot/EFI/Linux/system-$RELEASE.efi \
		efi/EFI/Linux/system-$RELEASE.efi boot/efi/EFI/Linux/system-$RELEASE.efi \
		boot/ostree/system/vmlinuz-$RELEASE boot/kernel-$RELEASE \
		usr/lib/modules/$RELEASE/vmlinux lib/modules/$RELEASE/vmlinux \
		run/booted-system/kernel; do
		machine && mkdir -p "$ROOT/${path%/*}" &&
			mv "$ROOT/boot/vmlinuz-$RELEASE" "$ROOT/moved" &&
			mv "$ROOT/moved" "$ROOT/$path" && says 1 '^check: +vulnerable' || return
	done
}

# An upgrade has put another kernel in its place, and nobody has rebooted.
replaced()
{
	machine && cp "$WORK/made/clang-FIXED" "$ROOT/boot/vmlinuz-$RELEASE" || return
	sed -i 's/#1 SMP/#2 SMP/' "$ROOT/boot/vmlinuz-$RELEASE"
	says 2 '^reason: .*not the kernel that runs .*: reboot, or run as root' || return
	mv "$ROOT/boot/vmlinuz-$RELEASE" "$ROOT/boot/vmlinuz-linux"
	says 2 '^reason: .*no image of .* is found: pass --image'
}

odd_release()
{
	local release

	for release in ../../etc 6.1/../.. '6.1 x' "6.1\$(id)" vmlinuz; do
		machine && echo "$release" > "$ROOT/proc/sys/kernel/osrelease" &&
			says 2 "^reason: .*is not a kernel's release" || return
	done
}

# no_image: the file that is named, the reason, and nothing else
no_image()
{
	machine && says 2 '^reason: +/missing: No such file' --image /missing &&
		says 2 '^reason: +COPYING: it is not a bzImage' --image COPYING &&
		says 2 '^reason: +/proc: it is no file' --image /proc &&
		rm -f "$WORK/fifo" && mkfifo "$WORK/fifo" &&
		says 2 'it is no file' --image build/check/doctor/fifo &&
		head -c 5000 "$BUILD/kernels/test/bzImage" > "$WORK/cut-off" &&
		says 2 '^reason: .*: the image is cut off' --image build/check/doctor/cut-off &&
		[ "$(says 2 '' --image build/check/doctor/cut-off | wc -l)" -eq 15 ]
}

no_unpacker()
{
	IN_SYSROOT=(--setenv PATH /nowhere)
	says_of "build/kernels/test/bzImage" 2 \
		"is not installed \(Debian's package [a-z0-9-]+\)"
}

in_json()
{
	machine && has_guard "$OWN_HOOK"
	in_sysroot sh -c "$DOCTOR --json --root $MACHINE | python3 -m json.tool --compact" \
		> "$ROOT/json" &&
		grep '^{"status":"protected",.*"smca":false,.*"polling":"on",.*_guarded":3}$' \
			"$ROOT/json"
}

# written METRIC VALUE: by the script of the administrator's guide, and nothing is left beside it
written()
{
	in_sysroot sh -e -c "PATH=/repo/build/doctor:\$PATH; cd build/check/doctor; rm -rf metrics
		mkdir metrics; sh ./metrics.sh metrics $MACHINE; cat metrics/*" |
		tee "$WORK/written"
	[ "$(ls "$WORK/metrics")" = amd_mce_guard.prom ] &&
		grep -x "amd_mce_guard_$1 $2" "$WORK/written"
}

metrics()
{
	sed -n '\|^    #!/bin/sh$|,/^[^ ]/s/^    //p' "$TOP/Documentation/admin-guide.rst" \
		> "$WORK/metrics.sh"
	machine && written status 1 && written next_boot_may_panic 1 && written polling_off 0 &&
		! grep deferred_total "$WORK/written" && has_guard "$OWN_HOOK" &&
		written status 0 && written deferred_total 3 && echo 1 > "$ROOT/$BANK/ignore_ce" &&
		written polling_off 1 && machine GenuineIntel && written next_boot_may_panic 0
}

as_target()
{
	local output

	output=$(in_sysroot make -C /repo doctor IMAGE=$MADE/gcc-FIXED 2>&1)
	printf '%s\n' "$output"
	grep '^status: ' <<< "$output"
}

unknown_option()
{
	machine && says 2 'there is no --what' --what && says 2 'wants a file' --image
}

in_sysroot make -s -C /repo $DOCTOR >&2
make_kernels >&2

ktap_print_header
ktap_set_plan 72
for kernel in debian-6.19.6 debian-6.19.8; do
	test_with $kernel "Debian's linux ${kernel#debian-} is affected" \
		says_of build/kernels/$kernel/bzImage 1 '^check: +vulnerable'
done
test_with stock "Debian's linux $STOCK_SERIES is not affected" \
	says_of build/kernels/stock/bzImage 0 '^check: +checks'
test_with debian-6.12 "Debian's linux 6.12 is not affected" \
	says_of build/kernels/debian-6.12/bzImage 0 '^check: +absent'
for kernel in test clang vendor-6.12 vendor-6.18; do
	test_with $kernel "the lab's kernel $kernel is affected" \
		says_of build/kernels/$kernel/bzImage 1 '^check: +vulnerable'
done
test_with inlined "a kernel whose polling clears banks without a call is affected for good" \
	says_of build/kernels/inlined/bzImage 1 '^reason: .*so that it cannot be guarded'
while read -r form status check words; do
	test_that "$words" says_of_made "$status" "^(check|reason): .*${check//_/ }" "$form"
done << END
VULNERABLE    1 vulnerable a write without a check is found
BARE_WRMSR    1 vulnerable one by WRMSR itself, too
CALLEE_ALONE  1 vulnerable one below a clear_bank() that stands by itself, too
INLINED       1 vulnerable one inlined into machine_check_poll(), too
FIXED         0 checks a check of mce_flags is found
FEATURE       0 checks one of boot_cpu_data, too
ALTERNATIVE   0 checks one by an alternative, too
CALLER        0 checks one before the call, too
INLINED_FIXED 0 checks one inlined into machine_check_poll(), too
OLD           0 absent a function without MCA_DESTAT writes none
OTHER_FLAG    2 unknown_form a check of another variable may be one
FUNCTION      2 unknown_form a check by a function may be one
ARGUMENT      2 unknown_form a check of an argument may be one
HIDDEN        2 nothing_seems_to_reach of a write that only patched code reaches it cannot tell
POINTER       2 through_a_pointer of a call through a pointer it cannot tell
END
test_that "an amd_clear_bank() with a suffix is found" \
	says_of $MADE/clang-RENAMED 1 '^check: +vulnerable'
test_that "an amd_clear_bank() that has lost its name is found" \
	says_of $MADE/gcc-UNNAMED 1 '^check: +vulnerable'
test_that "a check of SMCA is found without names of variables" \
	says_of $MADE/gcc-UNNAMED_FLAGS 0 '^check: +checks'
test_that "the doctor's unit tests pass" unit_tests
test_that "make doctor names rustc if it is missing" no_rustc
test_that "the doctor is linked statically" is_static
test_that "a CPU that is not AMD's is not affected" not_amd
test_that "a CPU with SMCA is not affected" has_smca
test_that "an image is judged for an AMD CPU without SMCA, whatever CPU it is judged on" \
	image_for_guests
test_that "the doctor cannot tell about a machine without /proc/cpuinfo" no_cpuinfo
test_that "a machine without machine checks is not affected" no_machine_checks
test_that "a machine with the guard is protected, and its counter is shown" protected
test_that "a machine whose guard has no hook is not protected" not_hooked
test_that "the doctor cannot tell if it may not see the hook" hook_unseen
test_that "the doctor says what to type on a machine without the guard" affected
test_that "the doctor says what to do where there can be no guard" not_traceable
test_that "the doctor tells whether banks are polled" polling
for kernel in test clang vendor-6.18; do
	test_with $kernel "the lab's kernel $kernel survives its boot with mce=nobootlog" \
		boots_with build/kernels/$kernel/bzImage survives
done
for kernel in debian-6.19.6 debian-6.19.8; do
	test_with $kernel "Debian's linux ${kernel#debian-} survives its boot with mce=nobootlog" \
		boots_with build/kernels/$kernel/bzImage survives
done
test_with vendor-6.12 "the lab's kernel vendor-6.12 polls at boot with mce=nobootlog, too" \
	boots_with build/kernels/vendor-6.12/bzImage 'may panic'
test_that "mce=nobootlog decides about the next boot, and not about the exit status" next_boot
test_that "a CPU family before 17 survives a boot, unless mce=bootlog asks for its poll" \
	old_family
test_that "a kernel that polls with mce=nobootlog, too, may panic at its next boot" always_polls
test_that "the next boot of an unaffected machine is not affected" unaffected_boot
test_that "without /proc/cmdline or the CPU's family, the next boot is unknown" \
	unseen_command_line
test_that "the crash kernel's command line is read from Debian's configuration" \
	crash_kernels etc/default/kdump-tools KDUMP_CMDLINE
test_that "the crash kernel's command line is read from Fedora's and SUSE's" \
	crash_kernels etc/sysconfig/kdump KDUMP_COMMANDLINE
test_that "the command line of a crash kernel loaded by hand is unknown" loaded_by_hand
test_that "the doctor cannot tell about a livepatched function" livepatched
test_that "the doctor looks at the running kernel" memory
test_that "the doctor says what hides the running kernel" hidden
test_that "a kernel that never polls is not affected" no_poll
test_that "a kernel without a symbol amd_clear_bank is not taken for unaffected" lost_name
test_that "a kernel configured without machine checks is not affected" configured
test_that "the configuration of another build of the release proves nothing" stale_config
test_that "an amd_clear_bank() that takes no record cannot be guarded" other_prototype
test_that "the doctor finds an image where distributions keep it" image_places
test_that "the doctor does not judge by an image of another kernel than the running one" replaced
test_that "a release string with a path in it becomes no path" odd_release
test_that "the doctor names a file that is no kernel, and says why" no_image
test_that "the doctor names a missing unpacker" no_unpacker
test_that "the doctor's --json is JSON" in_json
test_that "the guide's script for node_exporter writes what the doctor says" metrics
test_that "make doctor runs the doctor" as_target
test_that "the doctor refuses an unknown option" unknown_option
