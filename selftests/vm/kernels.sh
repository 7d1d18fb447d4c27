# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# The kernels of the lab, a line each; Documentation/CONTRIBUTING.rst has an example of adding one.
# lib/kernel.sh makes them, jobs.sh says which job needs which, and scenarios.sh puts one into a
# guest. A name says what kind of kernel it is to setup.sh and build-for-kernel.sh: those
# of Debian are stock and debian-*, those without KUnit clang and vendor-*.

# The kernel under test: a release, a tree or a tarball. Vulnerable, unless it says otherwise.
KERNEL=${KERNEL:-6.19.8}

KERNELS=()
declare -A HOW
kernel()
{
	KERNELS+=("$2")
	HOW[$2]=$*
}

# Built from SOURCE, which is $KERNEL or a release; to which PATCH is applied; with tinyconfig, both
# files called config, and config.NAME for each of FRAGMENTS. Those with norust find one CPU only.
#
#      HOW     NAME           SOURCE       PATCH              FRAGMENTS           VARIABLES OF MAKE
kernel built   test           under-test   none               host
kernel built   debug          under-test   none               debug
kernel built   clang          under-test   none               norust,clang        LLVM=1
kernel built   vendor-6.12    6.12         vendor-6.12.patch  norust,vendor-6.12
kernel built   vendor-6.18    6.18.15      vendor-6.18.patch  norust,vendor-6.18

# As another one is but for one file, which PATCH changes: test with the fix; and 6.18 so that
# polling clears the banks without a call that can be hooked.
#
#      HOW     NAME           OF           PATCH                    OPTIONS OF PATCH
kernel derived fixed          test         revert-smca-check.patch  -R
kernel derived inlined        vendor-6.18  inlined.patch

# Debian's own: the newest, which has the fix; the cloud kernel of trixie, from before the defect;
# and the cloud kernels of two vulnerable releases, of which the archive has the image alone.
#
#      HOW     NAME           RELEASE OR SERIES
kernel debian  stock          7.3
kernel debian  debian-6.12    6.12
kernel debian  debian-6.19.6  6.19.6
kernel debian  debian-6.19.8  6.19.8

# A source and no more: that of Debian's newest series.
#
#      HOW     NAME           SERIES
kernel unbuilt newest         7.3

readonly VENDORS="vendor-6.12 vendor-6.18" DEBIAN_BEFORE=debian-6.12
readonly DEBIAN_VULNERABLE="debian-6.19.6 debian-6.19.8"
STOCK_SERIES=${HOW[stock]##* }
readonly STOCK_SERIES
