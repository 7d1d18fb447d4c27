#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A machine that is affected, by ssh: what README has somebody do there is what happens, word by
# word. Then the Ansible role installs the package, has DKMS build the module for the kernel that
# runs, loads it, and fails if the machine is not protected. At last, the same disk in a machine
# with nothing to guard.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/cleanroot.sh"
source "$TOP/selftests/vm/lib/managed.sh"

readonly WORK="$BUILD/check/machine"
readonly IN_WORK=/repo/build/check/machine
readonly ROOT=$WORK/root
readonly AFFECTED='affected: this kernel writes MCA_DESTAT without SMCA'
readonly PROTECTED='protected: amd_mce_guard is at work'
readonly UNAFFECTED='not affected: '
use_cleanroot
use_kernel test

# playbook [ARGUMENT...]: the one in this tree. That machine has no network, and its headers are not
# of a package.
playbook()
{
	with_ansible ansible-playbook -e "amd_mce_guard_deb=$(deb)" \
		-e '{"amd_mce_guard_requires": ["dkms"]}' "$@" /repo/rust/install/ansible/site.yml
}

deb()
{
	echo "$IN_WORK/deb/$(cd "$WORK/deb" && ls ./*.deb)"
}

prepare()
{
	make_machine && in_sysroot env DEBFULLNAME=Packager \
		DEBEMAIL=packager@amd-mce-guard.org /repo/rust/install/package.sh deb "$IN_WORK/deb"
}

# With what is installed there, but by this machine, which needs a tenth of the time: README's make
# then finds it built.
builds_there()
{
	mkdir "$ROOT/root/amd_mce_guard"
	tar -C "$TOP" --exclude=./build --exclude=./.git -c . |
		tar -C "$ROOT/root/amd_mce_guard" -x
	IN_ROOT=$ROOT in_sysroot --rw make -C /root/amd_mce_guard \
		KDIR="/lib/modules/$(kernel_release)/build" \
		build/doctor/amd-mce-guard-doctor modules
}

as_in_readme()
{
	cp "$SYSROOT/usr/bin/clitest" "$ROOT/root/"
	on_machine "sh ../clitest --prefix 4 --prompt '# ' README.md" &&
		on_machine "modprobe -r amd_mce_guard; rm -r /lib/modules/*/updates; depmod -a"
}

# This machine gets the parameter for its next boot from what stands in for update-grub.
prepare_grub()
{
	mkdir -p "$ROOT/etc/default/grub.d"
	# shellcheck disable=SC2016 # of the script's shell
	printf '%s\n' '#!/bin/sh -e' 'GRUB_CMDLINE_LINUX=quiet' \
		'for file in /etc/default/grub.d/*.cfg; do . "$file"; done' \
		'echo "$GRUB_CMDLINE_LINUX" >> /boot/grub.lines' > "$ROOT/usr/sbin/update-grub"
	chmod +x "$ROOT/usr/sbin/update-grub"
}

# Nothing may come of a rehearsal.
rehearses()
{
	prepare_grub
	refuses 'cannot tell: there is no amd-mce-guard-doctor: the package is not installed' \
		playbook -e amd_mce_guard_nobootlog=true --check &&
		! ls "$ROOT/usr/src"/amd-mce-guard-* && ! ls "$ROOT/boot/grub.lines"
}

# What DKMS builds with is missing for a while. The test after that goes on from there.
fails_to_build()
{
	local said

	on_machine 'mv /usr/bin/rustc /usr/bin/away' || return
	refuses "$AFFECTED" playbook
	set -- $?
	said=$(on_machine '/usr/lib/amd-mce-guard/report.sh 2>&1; echo "report: exit status $?"')
	on_machine 'mv /usr/bin/away /usr/bin/rustc' || return
	printf '%s\n' "$said"
	[ "$1" = 0 ] && grep -A1 "NOT BUILT for linux $(kernel_release)," <<< "$said" |
		grep 'rustc is not installed' && grep -x 'report: exit status 1' <<< "$said"
}

# ends_with VERDICT RECAP [ARGUMENT...]: the playbook does, with that in its recap
ends_with()
{
	local output

	output=$(playbook "${@:3}") && grep -F "$1" <<< "$output" &&
		grep -E "^guest .* $2 .* failed=0 " <<< "$output" && return
	printf '%s\n' "$output"
	return 1
}

protects()
{
	[ ! -e "$ROOT/etc/default/grub.d/amd-mce-guard.cfg" ] &&
		ends_with "$PROTECTED" changed=3 -e amd_mce_guard_nobootlog=true &&
		diff <(echo 'quiet mce=nobootlog') "$ROOT/boot/grub.lines"
}

changes_nothing_again()
{
	ends_with "$PROTECTED" changed=0 -e amd_mce_guard_nobootlog=true &&
		diff <(echo 'quiet mce=nobootlog') "$ROOT/boot/grub.lines"
}

gate_only()
{
	with_ansible ansible --playbook-dir /repo/rust/install/ansible guest \
		-m ansible.builtin.include_role -a 'name=amd_mce_guard tasks_from=gate'
}

protected_gate()
{
	local output

	output=$(gate_only)
	set -- $?
	printf '%s\n' "$output"
	[ "$1" -eq 0 ] && grep -F "$PROTECTED" <<< "$output"
}

affected_gate()
{
	on_machine 'modprobe -r amd_mce_guard' && refuses "$AFFECTED" gate_only
}

rm -rf "$WORK"
mkdir -p "$WORK"
ktap_print_header
if reason=$(unavailable stock); then
	ktap_skip_all "$reason"
	exit
fi
ktap_set_plan 13
test_that "the package is made, and a machine that is affected" prepare
test_that "the module and the doctor are built with what is installed on that machine" builds_there
start affected "$AMD_CPU"
test_that "Ansible reaches the affected machine" reaches
test_that "the commands of README do on that machine what README says" as_in_readme
test_that "the role, rehearsed, changes nothing and says that nothing is installed" rehearses
test_that "the role fails where DKMS cannot build, and the package says why" fails_to_build
test_that "the role fails and says why if the module is installed and does not load" refuses \
	"$AFFECTED" playbook -e amd_mce_guard_load=false
test_that "the role loads the module, gives GRUB mce=nobootlog, and finds the machine protected" \
	protects
test_that "the role, run again, changes nothing" changes_nothing_again
test_that "the role's gate lets a protected machine pass" protected_gate
test_that "the role's gate stops a machine from which the module has been removed" affected_gate
stop
start unaffected max,vendor=GenuineIntel
test_that "Ansible reaches a machine with nothing to guard" reaches
test_that "the role changes nothing on a machine with nothing to guard" \
	ends_with "$UNAFFECTED" changed=0
stop
