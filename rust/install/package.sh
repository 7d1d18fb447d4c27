#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# package.sh deb|rpm DIR: builds that package of this tree, and its source package, in DIR. Who
# builds it is its maintainer: DEBFULLNAME and DEBEMAIL. VERSION replaces dkms.conf's version.
set -e -o pipefail

format=$1
mkdir -p "$2"
dir=$(realpath "$2")
cd "$(dirname "$0")/../.."
version=${VERSION:-$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)}
maintainer="${DEBFULLNAME:-$(id -un)} <${DEBEMAIL:-$(id -un)@$(uname -n)}>"
date=${SOURCE_DATE_EPOCH:-$(date +%s)}

case $format in
deb) tools="dpkg-buildpackage:dpkg-dev dh:debhelper dh_dkms:dh-dkms rustc:rustc" ;;
rpm) tools="rpmbuild:rpm-build rustc:rust" ;;
esac
missing=
for pair in $tools; do
	command -v "${pair%:*}" > /dev/null || {
		echo "amd_mce_guard: ${pair%:*} is not installed; its package is ${pair#*:}" \
			"(rpmbuild: rpm on Debian)" >&2
		missing=yes
	}
done
[ -z "$missing" ] || exit 1

# What the packages are made of, and nothing that was built here.
source=$dir/amd-mce-guard-$version
rm -rf "$source"
mkdir "$source"
tar -c -X rust/install/built-here Makefile Kbuild COPYING dkms.conf rust \
	Documentation/{admin-guide,messages,reboot}.rst |
	tar -C "$source" --no-same-owner -x
cd "$source"
sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$version\"/" dkms.conf

if [ "$format" = deb ]; then
	mv rust/install/debian .
	sed -i '/^Source:/r /dev/stdin' debian/control <<< "Maintainer: $maintainer"
	cat > debian/changelog << END
amd-mce-guard ($version) unstable; urgency=medium

  * The module as it is in this tree.

 -- $maintainer  $(date -R -d "@$date")
END
	# The tools have been looked for above.
	exec dpkg-buildpackage -us -uc --no-check-builddeps
fi

spec=$dir/amd-mce-guard-dkms.spec
{
	sed "s/^Version:.*/Version:        $version/" rust/install/rpm/amd-mce-guard-dkms.spec
	printf '\n%%changelog\n* %s %s - %s-1\n- The module as it is in this tree\n' \
		"$(LC_ALL=C date -u -d "@$date" '+%a %b %d %Y')" "$maintainer" "$version"
} > "$spec"
cd "$dir"
tar -czf "$source.tar.gz" "${source##*/}"
rm -r "$source"
rpmbuild -ba --nodeps --define "_topdir $dir/rpmbuild" --define "_tmppath ${TMPDIR:-/tmp}" \
	--define "_sourcedir $dir" --define "_srcrpmdir $dir" --define "_rpmdir $dir" \
	--define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
	--define "packager $maintainer" "$spec"
rm -r rpmbuild
