#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# complete-sysroot.sh ROOT: mmdebstrap's last step. Adds what trixie itself does not have, newer
# kernels and the sources of all of them, and the places where bubblewrap and the VMs mount.
set -e
uri=$(grep -o '[a-z+]*://[^ ]*' "$1/etc/apt/sources.list" | head -n 1)

cat > "$1/etc/apt/sources.list.d/backports.list" << END
deb $uri trixie-backports main
deb-src $uri trixie-backports main
END
# Where an ordinary user is root, there is no other user for apt to become.
echo 'APT::Sandbox::User "root";' > "$1/etc/apt/apt.conf.d/99no-sandbox-user"

mkdir -p "$1/repo" "$1/cache" "$1/tree" "$1/lab" "$1/usr/lib/modules"
