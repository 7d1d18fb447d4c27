# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A machine with Debian and the kernel under test, by ssh. WORK is where it is, which a VM of ours
# sees as IN_WORK.

# The package's dependencies, the kernel under test, and a key for whoever manages it.
make_machine()
{
	local root=$WORK/root release

	release=$(kernel_release)
	copy_cleanroot "$root" || return
	# DKMS builds for each kernel that has headers.
	rm -rf "${root:?}"/usr/lib/modules/* "${root:?}"/boot/*
	mkdir -p "$root/usr/lib/modules/$release"
	mkdir -p "$root/root/.ssh"
	chmod 700 "$root/root/.ssh"
	# There is no network to get newer lists of packages.
	touch "$root/var/lib/apt/lists"
	ln -s "$KERNEL_OBJ" "$root/usr/lib/modules/$release/build"
	cp "$(kernel_obj_dir)"/modules.{order,builtin,builtin.modinfo} \
		"$root/usr/lib/modules/$release/"
	cp "$TOP${KERNEL_OUT#/repo}/bzImage" "$root/boot/vmlinuz-$release"
	in_sysroot ssh-keygen -q -t ed25519 -N '' -f "$IN_WORK/key" &&
		cp "$WORK/key.pub" "$root/root/.ssh/authorized_keys"
}

# start NAME CPU: that machine, with an inventory that has ssh's way there
start()
{
	local way="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"

	# Rarely, what has come by a virtio port is not seen before something else comes.
	way+=" -o ServerAliveInterval=5 -o ServerAliveCountMax=100"
	VM=$WORK/$1
	MACHINE=$IN_WORK/root run_vm "$VM" managed "$2" > /dev/null 2>&1 &
	VM_PID=$!
	way+=" -o ProxyCommand=\"socat - UNIX-CONNECT:$IN_WORK/$1/ssh.sock\""
	printf 'guest ansible_user=root ansible_ssh_private_key_file=%s %s\n' "$IN_WORK/key" \
		"ansible_python_interpreter=/usr/bin/python3 ansible_ssh_common_args='$way'" \
		> "$WORK/inventory"
}

stop()
{
	touch "$VM/stop"
	wait
}

# with_ansible COMMAND [ARGUMENT...]: one of its commands; there are no terminals on that machine.
# If it fails because that machine is no more, its console says why.
with_ansible()
{
	in_sysroot env ANSIBLE_PIPELINING=1 ANSIBLE_SSH_USETTY=0 "$1" -i "$IN_WORK/inventory" \
		"${@:2}" && return
	set -- $?
	kill -0 "$VM_PID" 2> /dev/null || last_words "$VM"
	return "$1"
}

# reaches: whether Ansible does; a machine takes a while to come up
reaches()
{
	for _ in {1..10}; do
		! with_ansible ansible -m ansible.builtin.ping guest || return 0
	done
	last_words "$VM"
	return 1
}

# on_machine COMMAND: by its shell, in a copy of this tree
on_machine()
{
	with_ansible ansible -m ansible.builtin.shell -a "cd /root/amd_mce_guard; $1" guest
}
