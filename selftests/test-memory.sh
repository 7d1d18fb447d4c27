#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Action-optional errors at a page of a process, as QEMU reports them to a guest: the process gets
# the signal that it asked for, from a kernel that goes on.

source "$(dirname "$0")/functions.sh"

# strike(victim options...) - start a victim and report an error in its page
strike()
{
	watch_errors
	load_guard
	start_victim "$@"
	inject 0 9 $AO "$FRAME" 0x8c
	poll
}

# struck(victim options...) - the transcript of that
struck()
{
	echo "\
% insmod amd_mce_guard
$GUARDING
% mce_victim $*
% inject cpu 0 bank 9 status $AO
$(first_guarded 9 $AO)
> logged: cpu 0 bank 9 status $AO addr $FRAME misc 0x8c
> amd_clear_bank(): cpu 0 bank 9 status $AO_SEEN"
}

early_kill()
{
	strike early anonymous
	victim_end
	check_result "\
$(struck early anonymous)
> victim: SIGBUS si_code 5 (BUS_MCEERR_AO) si_addr PAGE si_addr_lsb 12"
}

late_kill()
{
	strike late anonymous
	touch_page
	victim_end
	check_result "\
$(struck late anonymous)
% touch the page
> victim: SIGBUS si_code 4 (BUS_MCEERR_AR) si_addr PAGE si_addr_lsb 12"
}

shared_page()
{
	strike early shared
	victim_end
	check_result "\
$(struck early shared)
> victim: SIGBUS si_code 5 (BUS_MCEERR_AO) si_addr PAGE si_addr_lsb 12
> victim: child: SIGBUS si_code 5 (BUS_MCEERR_AO) si_addr PAGE si_addr_lsb 12"
}

huge_page()
{
	reserve_huge_page
	strike early huge
	victim_end
	check_result "\
$(struck early huge)
> victim: SIGBUS si_code 5 (BUS_MCEERR_AO) si_addr PAGE si_addr_lsb 21"
}

dirty_file_page()
{
	strike early memfd
	victim_end
	check_result "\
$(struck early memfd)
> victim: SIGBUS si_code 5 (BUS_MCEERR_AO) si_addr PAGE si_addr_lsb 12
> victim: read: Input/output error"
}

# A page that is on disk, too, is read again and nobody has lost anything.
clean_file_page()
{
	local file=/etc/os-release first

	[[ $(stat -L -f -c %T $file) != tmpfs ]] || skip "$file is in memory only"
	first=$(od -An -N 1 -t x1 $file)
	strike early $file
	touch_page
	victim_end
	check_result "\
$(struck early $file)
% touch the page
> victim: Page reads 0x${first# } in another frame"
}

nobodys_page()
{
	watch_errors
	load_guard
	inject 0 9 $AO "$NOWHERE" 0x8c
	poll
	check_result "\
% insmod amd_mce_guard
$GUARDING
% inject cpu 0 bank 9 status $AO
$(first_guarded 9 $AO)
> logged: cpu 0 bank 9 status $AO addr $NOWHERE misc 0x8c
> amd_clear_bank(): cpu 0 bank 9 status $AO_SEEN"
}

setup_tests
require_banks
[ -e /proc/sys/vm/memory_failure_early_kill ] || skip_all "the kernel has no CONFIG_MEMORY_FAILURE"
run_test "a process that asked for early notice gets SIGBUS BUS_MCEERR_AO at its page" early_kill
run_test "a process that did not ask gets SIGBUS BUS_MCEERR_AR when it reads the page" late_kill
run_test "both processes that share a page get their signal" shared_page
run_test "a huge page is signalled as a whole" huge_page
run_test "a dirty page-cache page: its owner gets SIGBUS, later readers get EIO" \
	dirty_file_page
run_test "a clean page of the page cache is read again from its file" clean_file_page
run_test "an error at an address without memory harms nobody" nobodys_page
ktap_finished
