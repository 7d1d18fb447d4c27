# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # these are for whoever sources this
# Which kernels: the one under test, vulnerable unless KERNEL says otherwise; the sources that stand
# for those of vendors; and Debian's own, the newest series of which has the fix, one is from before
# the defect, and two are vulnerable.

KERNEL=${KERNEL:-6.19.8}
declare -rA VENDOR_SOURCE=([vendor-6.12]=6.12 [vendor-6.18]=6.18.15)
readonly STOCK_SERIES=7.3
readonly DEBIAN_BEFORE=debian-6.12
readonly DEBIAN_VULNERABLE="debian-6.19.6 debian-6.19.8"
