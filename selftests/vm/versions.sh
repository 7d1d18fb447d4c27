# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # these are for whoever sources this
# Which kernels: the one under test, vulnerable unless KERNEL says otherwise, and the series of the
# stock kernel that the module must also build for, which has the fix; and the releases of Debian's
# own kernels that are vulnerable.

KERNEL=${KERNEL:-6.19.8}
readonly STOCK_SERIES=7.3
readonly DEBIAN_VULNERABLE="debian-6.19.6 debian-6.19.8"
