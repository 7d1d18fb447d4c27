#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A machine that is affected, by ssh: what README has somebody do there is what happens, word by
# word. Then the Ansible role installs the package, has DKMS build the module for the kernel that
# runs, loads it, and fails if the machine is not protected.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"
source "$TOP/selftests/vm/cleanroot.sh"

readonly WORK="$BUILD/check/machine"
readonly IN_WORK=/repo/build/check/machine
use_cleanroot
use_kernel test

# The package's dependencies, the kernel under test, and a key for whoever manages it.
make_machine()
{
	local root=$WORK/root release

	release=$(kernel_release)
	copy_cleanroot "$root" || return
	# DKMS builds for each kernel that has headers.
	rm -rf "${root:?}"/usr/lib/modules/* "${root:?}"/boot/*
	mkdir -p "$root/usr/lib/modules/$release" "$root/root/.ssh"
	ln -s "$KERNEL_OBJ" "$root/usr/lib/modules/$release/build"
	cp "$(kernel_obj_dir)"/modules.{order,builtin,builtin.modinfo} \
		"$root/usr/lib/modules/$release/"
	cp "$TOP${KERNEL_OUT#/repo}/bzImage" "$root/boot/vmlinuz-$release"
	in_sysroot ssh-keygen -q -t ed25519 -N '' -f "$IN_WORK/key" &&
		cp "$WORK/key.pub" "$root/root/.ssh/authorized_keys"
}

# The inventory, and ssh's way there.
make_inventory()
{
	local way="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"

	way+=" -o ProxyCommand=\"socat - UNIX-CONNECT:$IN_WORK/vm/ssh.sock\""
	printf 'guest ansible_user=root ansible_ssh_private_key_file=%s %s\n' "$IN_WORK/key" \
		"ansible_python_interpreter=/usr/bin/python3 ansible_ssh_common_args='$way'" \
		> "$WORK/inventory"
}

# with_ansible COMMAND [ARGUMENT...]: one of its commands; there are no terminals on that machine
with_ansible()
{
	in_sysroot env ANSIBLE_PIPELINING=1 ANSIBLE_SSH_USETTY=0 "$1" -i "$IN_WORK/inventory" \
		"${@:2}"
}

# playbook [ARGUMENT...]: the one in this tree
playbook()
{
	with_ansible ansible-playbook -e "amd_mce_guard_deb=$(deb)" \
		-e '{"amd_mce_guard_requires": []}' "$@" /repo/rust/install/ansible/site.yml
}

deb()
{
	echo "$IN_WORK/deb/$(cd "$WORK/deb" && ls ./*.deb)"
}

prepare()
{
	make_machine && make_inventory &&
		in_sysroot env DEBFULLNAME=Packager DEBEMAIL=packager@amd-mce-guard.org \
			/repo/rust/install/make-deb.sh "$IN_WORK/deb"
}

reaches()
{
	for _ in {1..10}; do
		! with_ansible ansible -m ansible.builtin.ping guest || return 0
	done
	last_words "$WORK/vm"
	return 1
}

# on_machine COMMAND: by its shell, in a copy of this tree
on_machine()
{
	with_ansible ansible -m ansible.builtin.shell -a "cd /root/amd_mce_guard; $1" guest
}

as_in_readme()
{
	local root=$WORK/root

	mkdir "$root/root/amd_mce_guard"
	tar -C "$TOP" --exclude=./build --exclude=./.git -c . |
		tar -C "$root/root/amd_mce_guard" -x
	cp "$SYSROOT/usr/bin/clitest" "$root/root/"
	on_machine "sh ../clitest --prefix 4 --prompt '# ' README.md" &&
		on_machine "modprobe -r amd_mce_guard; rm -r /lib/modules/*/updates; depmod -a"
}

refuses_affected()
{
	refuses 'affected: this kernel writes MCA_DESTAT without SMCA' \
		playbook -e amd_mce_guard_load=false
}

# ends_with RECAP [ARGUMENT...]: the playbook does, with that in its recap
ends_with()
{
	local output

	output=$(playbook "${@:2}") &&
		grep -E 'protected: amd_mce_guard is at work' <<< "$output" &&
		grep -E "^guest .* $1 .* failed=0 " <<< "$output" && return
	printf '%s\n' "$output"
	return 1
}

rm -rf "$WORK"
mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 6
if reason=$(unavailable stock); then
	ktap_skip_all "$reason"
	exit
fi
test_that "the package is made, and a machine that is affected" prepare
MACHINE=$IN_WORK/root run_vm "$WORK/vm" managed "$AMD_CPU" > /dev/null 2>&1 &
test_that "Ansible reaches that" reaches
test_that "what README has somebody do there happens, word by word" as_in_readme
test_that "installed and not loaded, the role fails and says why" refuses_affected
test_that "the role loads the module and finds the machine protected" ends_with changed=1
test_that "run again, it changes nothing" ends_with changed=0
touch "$WORK/vm/stop"
wait
