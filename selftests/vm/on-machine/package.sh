#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The packages: built, installed, upgraded and removed where nothing is but what they depend on,
# with real kernels and their headers; and the newer of these booted with the initramfs that has
# the module.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/cleanroot.sh"

readonly WORK="$BUILD/check/package"
readonly IN_WORK=/repo/build/check/package
use_kernel stock
use_cleanroot
RELEASE=$(kernel_release 2> /dev/null)
OLDER=$(cd "$CLEANROOT/usr/lib/modules" 2> /dev/null && echo 6.12.*-cloud-amd64)
readonly RELEASE OLDER

# What rpmlint is not asked about: tags that only a distribution can fill in, the GPL's own text, a
# static doctor, and the places that DKMS, systemd and dracut prescribe.
readonly RPMLINT_KNOWN='no-(url|group|buildroot)-tag|no-signature|no-%check-section
invalid-(url|license)|incorrect-fsf-address|hardcoded-library-path|manpage-not-compressed
devel-file-in-non-devel-package|only-non-binary-in-usr-lib|statically-linked-binary
position-independent-executable|unstripped'

# builds FORMAT [VERSION]: the package, in WORK/FORMAT or WORK/VERSION, a directory that is named
# relative to the one that it is built from
builds()
{
	local dir=${2:-$1}

	rm -rf "${WORK:?}/$dir"
	in_sysroot env DEBFULLNAME='Packer A/B & Co' DEBEMAIL=packer@amd-mce-guard.org \
		VERSION="${2:-}" sh -c "cd $IN_WORK && /repo/rust/install/package.sh $1 $dir"
}

own_version()
{
	local version

	use_kernel test
	version=$(in_sysroot modinfo -F version "$KERNEL_OUT/module/rust/amd_mce_guard.ko")
	[ -n "$version" ] && builds deb && ls "$WORK"/deb/amd-mce-guard_*.dsc &&
		in_sysroot dpkg-deb -f "$IN_WORK/deb/amd-mce-guard-dkms_${version}_amd64.deb" \
			Maintainer | grep -xF 'Packer A/B & Co <packer@amd-mce-guard.org>'
}

# sources DIR: what goes into a package of the tree there
sources()
{
	tar -C "$1" -c -X "$TOP/rust/install/built-here" Makefile Kbuild dkms.conf rust | tar -t |
		grep -v '/$' | sort
}

# The guests' modules were built in the tree, on the stand-in and on the kernel's own crates.
only_sources()
{
	local kernel

	for kernel in stock test; do
		[ -e "$BUILD/kernels/$kernel/module/rust/amd_mce_guard.ko" ] &&
			diff <(sources "$TOP") <(sources "$BUILD/kernels/$kernel/module") || return
	done
}

lintian_clean()
{
	local output

	output=$(in_sysroot sh -c "lintian --fail-on error,warning,info --display-info \
		$IN_WORK/deb/*.changes 2>&1") && ! grep -E '^[EWI]:' <<< "$output" && return
	printf '%s\n' "$output"
	return 1
}

builds_rpm()
{
	builds rpm || return
	! in_sysroot sh -c "rpmlint $IN_WORK/rpm/*.rpm $IN_WORK/rpm/*.spec" |
		grep -E ': [EW]: ' | grep -vE "${RPMLINT_KNOWN//$'\n'/|}"
}

# in_root COMMAND...: in the root that the package is installed in
in_root()
{
	IN_ROOT=$WORK/root in_sysroot --rw env DEBIAN_FRONTEND=noninteractive "$@"
}

# new_root: a root with two kernels; a third, older one, for which nothing can be built; and a
# fourth without headers. What an initramfs has beside the guard is no more than the lab needs: it
# is made many times, and unpacked by emulated machines.
new_root()
{
	local modules=$WORK/root/usr/lib/modules

	copy_cleanroot "$WORK/root" || return
	printf '%s\n' MODULES=list COMPRESS=lz4 > "$WORK/root/etc/initramfs-tools/conf.d/lab"
	mkdir -p "$modules"/{6.1.0-unfit/{kernel,build/include/config},6.1.0-headless/kernel}
	printf 'CONFIG_%s=y\n' X86_64 MODULES KALLSYMS X86_MCE_AMD FUNCTION_TRACER \
		DYNAMIC_FTRACE_WITH_ARGS RANDSTRUCT \
		> "$modules/6.1.0-unfit/build/include/config/auto.conf"
	touch "$modules/6.1.0-unfit/build/Makefile"
}

# older_root: the same with the older kernel alone, and no initramfs: others are about that
older_root()
{
	new_root && rm -rf "$WORK/root/usr/lib/modules/$RELEASE" "$WORK"/root/boot/*"$RELEASE" &&
		echo 'update_initramfs=no' > "$WORK/root/etc/initramfs-tools/update-initramfs.conf"
}

# A clone, as somebody has it who packages nothing. All of it is copied, so build/ stays away.
from_clone()
{
	older_root && mkdir "$WORK/root/root/clone" || return
	tar -C "$TOP" --exclude=./build --exclude=./.git -c . | tar -C "$WORK/root/root/clone" -x
	in_root sh -e -c "dkms add /root/clone; dkms autoinstall -k $OLDER; dkms status" &&
		has_modules "$OLDER"
}

# has_modules RELEASE...: built for these kernels, and no other
has_modules()
{
	[ "$(in_root dkms status -m amd-mce-guard | grep -c ': installed$')" = $# ] || return
	for release; do
		in_root modinfo -k "$release" -F vermagic amd_mce_guard | grep "^$release " ||
			return
	done
}

# What is said comes at the end of what the package manager says, where people look.
says_what_lacks()
{
	printf '%s\n' "$1"
	grep "built for linux $OLDER" <<< "$1" &&
		grep -A1 'NOT BUILT for linux 6.1.0-unfit,' <<< "$1" | grep CONFIG_RANDSTRUCT &&
		grep -A1 'NOT BUILT for linux 6.1.0-headless,' <<< "$1" |
			grep 'apt install linux-headers-6.1.0-headless'
}

installs()
{
	local output

	new_root && output=$(in_root sh -c "dpkg -i $IN_WORK/deb/*.deb" 2>&1) || return
	says_what_lacks "$output" && grep "built for linux $RELEASE" <<< "$output" &&
		has_modules "$RELEASE" "$OLDER"
}

# As its package calls DKMS when headers come.
headers_come()
{
	in_root /etc/kernel/header_postinst.d/dkms 6.1.0-unfit
}

# A kernel by its package, whose headers nobody has installed.
kernel_comes()
{
	local package=$WORK/root/root/package output

	mkdir -p "$package/DEBIAN" "$package/usr/lib/modules/6.99.0-new/kernel"
	touch "$package/usr/lib/modules/6.99.0-new/kernel/some.ko"
	printf '%s\n' 'Package: linux-image-6.99.0-new' 'Version: 1' 'Architecture: all' \
		'Maintainer: nobody <nobody@example.org>' 'Description: a kernel' \
		> "$package/DEBIAN/control"
	output=$(in_root sh -e -c 'dpkg-deb -b /root/package /root/package.deb
		dpkg -i /root/package.deb' 2>&1) || return
	printf '%s\n' "$output"
	grep 'NOT BUILT for linux 6.99.0-new,' <<< "$output"
}

# Nothing there to guard, or no way to: DKMS does not even try.
left_out()
{
	local conf=$WORK/root/usr/lib/modules/6.1.0-unfit/build/include/config/auto.conf

	sed -i '/X86_MCE_AMD/d' "$conf"
	refuses 'BUILD_EXCLUSIVE directive' in_root dkms build -k 6.1.0-unfit \
		"$(in_root dkms status -m amd-mce-guard | sed -n '1s/,.*//p')"
}

# in_initramfs LIST IMAGE PATTERN...: each is there
in_initramfs()
{
	local list pattern

	list=$(in_root "$1" "$2") || return
	for pattern in "${@:3}"; do
		grep -E "$pattern" <<< "$list" || return
	done
}

# Both were there before the module.
initramfs_tools()
{
	for release in "$RELEASE" "$OLDER"; do
		in_initramfs lsinitramfs "/boot/initrd.img-$release" 'dkms/amd_mce_guard\.ko' \
			'scripts/init-top/amd-mce-guard' || return
	done
}

# For this host alone, as distributions have it: nothing has loaded the module yet. It is without
# what dracut has for systemd, which finds the module by its file in modules-load.d. What dracut
# does not know how to mount, the root file system of the lab, it leaves to systemd.
dracut()
{
	echo 'modprobe overlay; rootok=1' > "$WORK/root/root/rootok.sh"
	in_root dracut --force --lz4 --hostonly --omit systemd-modules-load \
		--add-drivers '9p 9pnet_virtio virtio_pci overlay' \
		--include /root/rootok.sh /var/lib/dracut/hooks/cmdline/90-rootok.sh \
		--kver "$RELEASE" /boot/dracut.img &&
		in_initramfs lsinitrd /boot/dracut.img 'dkms/amd_mce_guard\.ko' \
			'hooks/cmdline/01-amd-mce-guard\.sh' &&
		cp "$WORK/root/boot/dracut.img" "$WORK/dracut"
}

# With a dracut that only says what it is asked for, on a machine that has no initramfs-tools and
# shares its boot partition.
dracut_renews()
{
	local image asked release=6.0.0-before tools=$WORK/root/root/tools

	mkdir -p "$tools"
	# shellcheck disable=SC2016 # for the scripts
	printf '#!/bin/sh\necho "${0##*/} $*"\n' | tee "$tools/dracut" > "$tools/depmod"
	chmod +x "$tools"/*
	mkdir -p "$WORK/root/etc/kernel" "$WORK/root/boot/another/$release"
	echo 0123456789abcdef > "$WORK/root/etc/kernel/entry-token"
	touch "$WORK/root/boot/another/$release/initrd"
	for image in boot/initrd.img-$release boot/initramfs-$release.img boot/initrd-$release \
		{boot,efi,boot/efi}/0123456789abcdef/$release/initrd; do
		mkdir -p "$WORK/root/${image%/*}"
		touch "$WORK/root/$image"
		asked=$(in_root sh -c "PATH=/root/tools
			. /usr/src/amd-mce-guard-*/rust/install/initramfs.sh" - $release)
		rm "$WORK/root/$image"
		[ "$asked" = "depmod $release
dracut --force /$image $release" ] || { echo "$image: $asked"; return 1; }
	done
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

# Whoever wants mce=nobootlog links a file, which update-grub reads behind /etc/default/grub. The
# package itself changes nothing.
boot_parameter()
{
	local line

	! grep -r nobootlog "$WORK/root/etc" || return
	# That root has no documents.
	in_sysroot sh -c "dpkg-deb --fsys-tarfile $IN_WORK/deb/*.deb |
		tar -xO ./usr/share/doc/amd-mce-guard-dkms/reboot.rst.gz | zcat |
		cmp - Documentation/reboot.rst" || return
	# shellcheck disable=SC2016 # of the shell there
	line=$(in_root sh -e -c 'mkdir -p /etc/default/grub.d
		ln -s /usr/share/amd-mce-guard/grub.cfg /etc/default/grub.d/amd-mce-guard.cfg
		GRUB_CMDLINE_LINUX="console=ttyS0 quiet"
		for file in /etc/default/grub.d/*.cfg; do . "$file"; done
		rm /etc/default/grub.d/amd-mce-guard.cfg
		echo "$GRUB_CMDLINE_LINUX"') || return
	printf '%s\n' "$line"
	[ "$line" = 'console=ttyS0 quiet mce=nobootlog' ]
}

# prepare_initrd: initramfs-tools' image, with what mounts the root file system of the lab
prepare_initrd()
{
	mkdir -p "$WORK/root/etc/initramfs-tools/scripts"
	cp "$TOP/selftests/vm/in-guest/boot-9p.sh" "$WORK/root/etc/initramfs-tools/scripts/lab"
	printf '%s\n' virtio_pci 9pnet_virtio 9p overlay > "$WORK/root/etc/initramfs-tools/modules"
	in_root update-initramfs -u -k "$RELEASE" &&
		cp "$WORK/root/boot/initrd.img-$RELEASE" "$WORK/$1"
}

# boots IMAGE CPU EXPECTED [KERNEL ARGUMENT...]: from that image, to a root file system that loads
# nothing
boots()
{
	local dir=$WORK/boot-$1-$3

	[ -e "$WORK/$1" ] || prepare_initrd "$1" || return
	INITRD=$IN_WORK/$1 run_vm "$dir" boot "$2" boot=lab "EXPECTED=$3" \
		INSTALLED=$IN_WORK/root "${@:4}" || {
		cat "$dir/job.log"
		last_words "$dir"
		return 1
	}
	! grep -E 'modprobe: (ERROR|FATAL)' "$dir/console.log"
}

# boots_broken CPU: with a module that the kernel does not accept; then all is as before
boots_broken()
{
	local module status

	module=$(in_root modinfo -k "$RELEASE" -n amd_mce_guard)
	module=$WORK/root/$module
	if [ ! -e "$WORK/broken" ]; then
		mv "$module" "$WORK/intact" || return
		head -c 4096 /dev/zero | xz > "$module"
		prepare_initrd broken
		status=$?
		mv "$WORK/intact" "$module"
		[ $status = 0 ] || return
	fi
	INITRD=$IN_WORK/broken run_vm "$WORK/boot-broken" boot "$1" boot=lab EXPECTED=broken \
		INSTALLED=$IN_WORK/root
	grep "amd_mce_guard: NOT GUARDING: .*could not insert 'amd_mce_guard'" \
		"$WORK/boot-broken/console.log"
}

boots_broken_unaffected()
{
	! boots_broken max,vendor=GenuineIntel && cat "$WORK/boot-broken/job.log"
}

upgrades()
{
	builds deb 9.9 && in_root sh -c "dpkg -i $IN_WORK/9.9/*.deb" || return
	in_root dkms status
	! in_root dkms status | grep -v '^amd-mce-guard/9\.9, ' && has_modules "$RELEASE" "$OLDER"
}

# nothing_left: of the package, nor in the initramfs that it was in
nothing_left()
{
	local list

	list=$(in_root lsinitramfs "/boot/initrd.img-$RELEASE") || return
	grep -E '/modprobe$' <<< "$list" && ! grep -i 'amd.mce.guard' <<< "$list" &&
		! find "$WORK/root"/{usr,etc,var,boot} -iname '*amd?mce?guard*' | grep .
}

removes()
{
	in_root dpkg --purge amd-mce-guard-dkms && nothing_left
}

# rpm [ARGUMENT...]: with the dependencies that Debian's packages have satisfied; of its own kind
# there are none
rpm()
{
	in_root sh -c 'rpm "$@" 2>&1' rpm "$@"
}

installs_rpm()
{
	local output

	older_root && output=$(rpm -i --nodeps $IN_WORK/rpm/*.x86_64.rpm) || return
	says_what_lacks "$output" && has_modules "$OLDER" &&
		! grep -r nobootlog "$WORK/root/etc" &&
		cmp "$WORK/root/usr/share/amd-mce-guard/grub.cfg" "$TOP/rust/install/grub.cfg"
}

removes_rpm()
{
	rpm -e amd-mce-guard-dkms &&
		! find "$WORK/root"/{usr,etc,var/lib/dkms} -iname '*amd?mce?guard*' | grep .
}

rm -rf "$WORK"
mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 24
test_that "make deb builds a package of the module's version, by whoever builds it" own_version
test_that "nothing that was built in the tree gets into a package" only_sources
test_that "lintian finds nothing in the Debian package" lintian_clean
test_that "make rpm builds a package in which rpmlint finds nothing new" builds_rpm
test_with stock "dkms add takes a clone, and builds the module from it" from_clone
test_with stock "DKMS builds the module for each kernel it can; the package names the others" \
	installs
test_with stock "headers of a kernel that nothing can be built for do not stop apt" headers_come
test_with stock "when a kernel is installed without headers, the package says what it lacks" \
	kernel_comes
test_with stock "DKMS leaves out a kernel without CONFIG_X86_MCE_AMD" left_out
test_with stock "the initramfs of each kernel has the module, also one made before it" \
	initramfs_tools
test_with stock "dracut's initramfs has the module" dracut
test_with stock "dracut renews an image that was made before, wherever distributions keep it" \
	dracut_renews
test_with stock "the doctor is installed" installs_doctor
test_with stock "the package has a file that gives GRUB mce=nobootlog, and switches nothing on" \
	boot_parameter
test_with stock "initramfs-tools' image loads the module before there is a root" \
	boots initrd "$AMD_CPU" guarding
test_with stock "initramfs-tools' image boots where there is nothing to guard" \
	boots initrd max,vendor=GenuineIntel nothing
test_with stock "dracut's image loads the module before there is a root" \
	boots dracut "$AMD_CPU" guarding
test_with stock "dracut's image boots where there is nothing to guard" \
	boots dracut max,vendor=GenuineIntel nothing
test_with stock "a module that does not load in the initramfs is reported on the console" \
	boots_broken "$AMD_CPU"
test_with stock "a module that does not load is not reported where there is nothing to guard" \
	boots_broken_unaffected
test_with stock "an upgrade leaves the new version alone" upgrades
test_with stock "removing the Debian package leaves nothing" removes
test_with stock "rpm installs the package, which names kernels without a module" installs_rpm
test_with stock "removing the rpm leaves nothing" removes_rpm
