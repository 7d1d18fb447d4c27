#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# CPUs with nothing to guard: the module does not load, says why in one line, and hooks nothing.

source "$(dirname "$0")/functions.sh"

reason()
{
	if ! cpu_flag mca; then
		echo "this CPU has no machine checks; nothing polls, nothing to guard"
	elif cpu_flag smca; then
		echo "this CPU has SMCA and so MCA_DESTAT; nothing to guard"
	else
		echo "this CPU is not AMD's; its banks are cleared elsewhere, nothing to guard"
	fi
}

refused()
{
	load_failing_guard
	show_hook
	check_result "\
% insmod amd_mce_guard
amd_mce_guard: $(reason)
> No such device
> hooks at amd_clear_bank(): 0
> files:"
}

setup_tests
require_guard
! affected || skip_all "this CPU is AMD's and has no SMCA: there is something to guard"
run_test "$(vendor): loading fails with ENODEV and the reason, and leaves nothing" refused
ktap_finished
