#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The Debian package: built, installed, upgraded and removed where nothing is but what it depends
# on, with a real kernel and its headers; and that kernel booted with the initramfs that has the
# module.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"
source "$TOP/selftests/vm/cleanroot.sh"

readonly WORK="$BUILD/check/package"
readonly IN_WORK=/repo/build/check/package
use_kernel stock
use_cleanroot
RELEASE=$(kernel_release 2> /dev/null)
readonly RELEASE INSTALLED=$WORK/root/usr/lib/modules/$RELEASE/updates/dkms/amd_mce_guard.ko.xz

# builds VERSION: that version of the package, in WORK/VERSION; no version is the module's own
builds()
{
	rm -rf "$WORK/${1:-own}"
	in_sysroot env DEBFULLNAME=Packager DEBEMAIL=packager@amd-mce-guard.org VERSION="$1" \
		/repo/rust/install/make-deb.sh "$IN_WORK/${1:-own}"
}

own_version()
{
	builds '' || return
	use_kernel test
	ls "$WORK/own/amd-mce-guard-dkms_$(in_sysroot modinfo -F version \
		"$KERNEL_OUT/module/rust/amd_mce_guard.ko")_all.deb" "$WORK"/own/amd-mce-guard_*.dsc
}

lintian_clean()
{
	local output

	output=$(in_sysroot sh -c "lintian --fail-on error,warning,info --display-info \
		$IN_WORK/own/*.changes 2>&1") && ! grep -E '^[EWI]:' <<< "$output" && return
	printf '%s\n' "$output"
	return 1
}

# in_root COMMAND...: in the root that the package is installed in
in_root()
{
	IN_ROOT=$WORK/root in_sysroot --rw env DEBIAN_FRONTEND=noninteractive "$@"
}

# Without the source, of which the package's log says what it is for. With it, the rest goes on.
explains()
{
	copy_cleanroot "$WORK/root" || return
	mv "$WORK/root/usr/src/linux-source-$STOCK_SERIES.tar.xz" "$WORK/"
	! in_root sh -c "dpkg -i $IN_WORK/own/*.deb" || return
	in_root sh -c 'cat /var/lib/dkms/amd-mce-guard/*/build/make.log' |
		grep -E 'Install the package linux-source-[0-9.]+, from which it is made'
}

installs()
{
	mv "$WORK/linux-source-$STOCK_SERIES.tar.xz" "$WORK/root/usr/src/"
	in_root dpkg --configure -a || return
	ls "$INSTALLED" &&
		[[ $(in_root modinfo -k "$RELEASE" -F vermagic amd_mce_guard) == "$RELEASE "* ]]
}

# dkms_for COMMAND RELEASE HEADERS: DKMS, for another kernel
dkms_for()
{
	local module

	module=$(in_root sh -c 'cd /var/lib/dkms && ls -d amd-mce-guard/[0-9]*') &&
		in_root dkms "$1" "$module" -k "$2" --kernelsourcedir "$3"
}

for_older_kernels()
{
	refuses 'BUILD_EXCLUSIVE directive' dkms_for build 6.12.1-amd64 \
		"/usr/src/linux-headers-$RELEASE"
}

# With the objects for that made already, as by hand.
without_rust()
{
	local release built

	use_kernel norust
	release=$(kernel_release)
	ln -s "$KERNEL_OBJ/amd-mce-guard/trees/$release-self-contained" \
		"$WORK/root/var/cache/amd-mce-guard/trees/" &&
		dkms_for build "$release" "$KERNEL_OBJ" || return
	built=$(find "$WORK/root/var/lib/dkms" -path "*/$release/*" -name 'amd_mce_guard.ko*')
	built=$(in_sysroot nm -u "/repo${built#"$TOP"}") || return
	echo "$built"
	grep -qw register_ftrace_function <<< "$built" && ! grep -E ' (_R|rust_)' <<< "$built" &&
		dkms_for unbuild "$release" "$KERNEL_OBJ"
}

# in_initramfs LIST IMAGE PATTERN...: each is there
in_initramfs()
{
	local list

	list=$(in_root "$1" "$2") || return
	for pattern in "${@:3}"; do
		grep -E "$pattern" <<< "$list" || return
	done
}

initramfs_tools()
{
	in_initramfs lsinitramfs "/boot/initrd.img-$RELEASE" 'dkms/amd_mce_guard\.ko' \
		'scripts/init-top/amd-mce-guard'
}

dracut()
{
	in_root dracut --force --no-hostonly --kver "$RELEASE" /boot/dracut.img &&
		in_initramfs lsinitrd /boot/dracut.img 'dkms/amd_mce_guard\.ko' \
			'hooks/cmdline/01-amd-mce-guard\.sh'
}

installs_doctor()
{
	local output

	mkdir -p "$WORK/root/guest/proc"
	printf 'vendor_id\t: AuthenticAMD\nflags\t\t: mce\n' > "$WORK/root/guest/proc/cpuinfo"
	output=$(in_root amd-mce-guard-doctor --root /guest --image "/boot/vmlinuz-$RELEASE")
	printf '%s\n' "$output"
	grep '^check: *checks' <<< "$output"
}

# boots CPU EXPECTED: from what initramfs-tools makes, to a root file system that loads nothing
boots()
{
	local dir=$WORK/boot-${2// /-}

	mkdir -p "$WORK/root/etc/initramfs-tools/scripts"
	cp "$TOP/selftests/vm/guest/boot-9p.sh" "$WORK/root/etc/initramfs-tools/scripts/lab"
	printf '%s\n' virtio_pci 9pnet_virtio 9p overlay > "$WORK/root/etc/initramfs-tools/modules"
	[ -e "$WORK/initrd" ] || {
		in_root update-initramfs -u -k "$RELEASE" &&
			cp "$WORK/root/boot/initrd.img-$RELEASE" "$WORK/initrd" || return
	}
	INITRD=$IN_WORK/initrd run_vm "$dir" boot "$1" boot=lab "EXPECTED=${2// /-}" \
		INSTALLED=$IN_WORK/root || {
		cat "$dir/job.log"
		last_words "$dir"
		return 1
	}
	! grep -E 'modprobe: (ERROR|FATAL)' "$dir/console.log"
}

upgrades()
{
	builds 9.9 && in_root sh -c "dpkg -i $IN_WORK/9.9/*.deb" || return
	[ "$(in_root dkms status)" = "amd-mce-guard/9.9, $RELEASE, x86_64: installed" ] &&
		ls "$INSTALLED"
}

removes()
{
	local list

	in_root dpkg --purge amd-mce-guard-dkms &&
		list=$(in_root lsinitramfs "/boot/initrd.img-$RELEASE") || return
	grep -E '/modprobe$' <<< "$list" && ! grep -i 'amd.mce.guard' <<< "$list" &&
		! find "$WORK/root"/{usr,etc,var,boot} -iname '*amd?mce?guard*' | grep .
}

rm -rf "$WORK"
mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 13
test_that "make deb builds a package of the module's version" own_version
test_that "lintian has nothing to say" lintian_clean
test_with stock "without the kernel's source, make.log says what to install" explains
test_with stock "with it, DKMS makes metadata and the module for the kernel's headers" installs
test_with stock "DKMS leaves out older kernels" for_older_kernels
test_with stock "for a kernel without CONFIG_RUST, it builds a self-contained module" without_rust
test_with stock "initramfs-tools takes it into the initramfs" initramfs_tools
test_with stock "so does dracut" dracut
test_with stock "the doctor is installed" installs_doctor
test_with stock "booting, the initramfs loads it before there is a root" boots "$AMD_CPU" guarding
test_with stock "where there is nothing to guard, booting goes on" boots max,vendor=GenuineIntel \
	"not guarding"
test_with stock "an upgrade leaves the new one" upgrades
test_with stock "removing it leaves nothing" removes
