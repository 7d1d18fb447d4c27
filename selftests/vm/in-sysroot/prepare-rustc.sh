#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare-rustc.sh DIR: the rustc of trixie-backports and its rust-src, beside the sysroot's own.
# DIR/rustc is that compiler.
set -e -o pipefail
cd "$1"

mkdir -p archives/partial
apt-get install --yes --download-only --target-release trixie-backports \
	-o Dir::Cache::archives="$PWD/archives" rustc rust-src
for package in archives/*.deb; do
	dpkg-deb -x "$package" .
done
rm -r archives

# The link that the package has is absolute.
ln -sfn "../../../src/$(ls usr/src)" usr/lib/rustlib/src/rust
cat > rustc << END
#!/bin/sh
LD_LIBRARY_PATH=$PWD/usr/lib/x86_64-linux-gnu:$PWD/usr/lib exec $PWD/usr/bin/rustc "\$@"
END
chmod +x rustc
./rustc --version
