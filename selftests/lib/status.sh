# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# MCi_STATUS: bits, and the errors the tests are about.

readonly OVER=$((1 << 62)) MISCV=$((1 << 59)) ADDRV=$((1 << 58))
readonly DEFERRED_BIT=$((1 << 44)) POISON=$((1 << 43))
readonly CORRECTED=0x9000000000000000 DEFERRED=0x9000100000000000
readonly UNCORRECTED=0xb000000000000000
readonly CORRUPT=0xb200000000000000	# uncorrected, with the context of the processor

# An action-optional error as QEMU reports it: VAL, EN, MISCV, ADDRV, DEFERRED and POISON; and the
# MCi_MISC that says its address is known to a page.
readonly AO=0x9c00180000000000 PAGE_MISC=0x8c
