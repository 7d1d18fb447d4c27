#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make-deb.sh DIR: builds the Debian source package and the package of this tree, which both end up
# in DIR. Whoever builds it is its maintainer: DEBFULLNAME and DEBEMAIL. VERSION names another one
# than the module's.
set -e

here=$(realpath "$(dirname "$0")")
top=$(realpath "$here/../..")
version=${VERSION:-$(sed -n 's/^MODULE_VERSION("\(.*\)");/\1/p' "$top/rust/helpers/helpers.c")}
maintainer="${DEBFULLNAME:-$(id -un)} <${DEBEMAIL:-$(id -un)@$(uname -n)}>"

for pair in dpkg-buildpackage:dpkg-dev dh:debhelper dh_dkms:dh-dkms; do
	command -v "${pair%:*}" > /dev/null || {
		echo "amd_mce_guard: ${pair%:*} is not installed; install ${pair#*:}" >&2
		exit 1
	}
done

# Of what is in this tree what the module is built from, and nothing that was built.
source=$1/amd-mce-guard-$version
rm -rf "$source"
mkdir -p "$source"
cd "$top"
tar -c --exclude='*.o' --exclude='*.ko' --exclude='.*.cmd' --exclude='*.mod*' \
	--exclude=bindings_generated.rs \
	Makefile Kbuild COPYING dkms.conf rust |
	tar -C "$source" --no-same-owner -x
cp -r rust/install/debian "$source/debian"
cd "$source"
rm -r rust/install/debian
mv dkms.conf debian/amd-mce-guard-dkms.dkms
date=$(date -R -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")
sed -i "s/@VERSION@/$version/; s/@DATE@/$date/; s/@MAINTAINER@/$maintainer/" \
	debian/control debian/changelog
# What is built has been looked for above: nothing is compiled, so no build-essential.
dpkg-buildpackage -us -uc --no-check-builddeps
