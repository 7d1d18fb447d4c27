#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# complete-sysroot.sh ROOT: mmdebstrap's last step. Adds what trixie itself does not have, a newer
# QEMU, newer kernels and the sources of all of them, LAVA, and the places where bubblewrap and the
# VMs mount.
set -e
uri=$(grep -o '[a-z+]*://[^ ]*' "$1/etc/apt/sources.list" | head -n 1)

cat > "$1/etc/apt/sources.list.d/backports.list" << END
deb $uri trixie-backports main
deb-src $uri trixie-backports main
END
# Where an ordinary user is root, there is no other user for apt to become.
echo 'APT::Sandbox::User "root";' > "$1/etc/apt/apt.conf.d/99no-sandbox-user"

# Before 10.2, helper_vmrun() of TCG sets its bit in interrupt_request while another thread may set
# the one of the host VM's timer, and neither does so atomically. Now and then the timer is lost,
# and a VM that waits for it waits for ever.
chroot "$1" apt-get update
chroot "$1" apt-get install --yes --target-release trixie-backports qemu-system-x86 lava-dispatcher

# Of LAVA's server only what it makes devices from; the rest wants a database.
chroot "$1" sh -e -c 'cd /tmp
	apt-get download lava-server/trixie-backports
	dpkg-deb -x lava-server_*.deb lava-server
	mkdir -p /usr/share/lava-server
	mv lava-server/usr/share/lava-server/device-types /usr/share/lava-server/
	rm -r lava-server lava-server_*.deb'

# gawk is there for klp-build alone; the lab's scripts are for the awk that Debian has.
chroot "$1" update-alternatives --set awk /usr/bin/mawk

mkdir -p "$1/repo" "$1/cache" "$1/tree" "$1/lab" "$1/usr/lib/modules"
