# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # for whoever sources this
# What the kernel's log has when the kernel has found a mistake in itself, as a regular expression
# for grep -E and awk.
SPLATS='(^|] )WARNING:|BUG:|Oops|Call Trace|Unpatched return thunk|UBSAN:|CFI failure'
SPLATS+='|INFO: .* (stall|lock)'
readonly SPLATS
