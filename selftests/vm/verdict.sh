# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What became of a guest, by its console and by the MSR accesses its host saw. Never by time.
# Each judgement prints what is missing, one line each, and nothing if all is as it should be.

# The MCi_STATUS and MCA_DESTAT registers of bank 9, where QEMU reports memory errors.
readonly STATUS_MSR=425
readonly DESTAT_MSR=c0002098

# VAL, EN, MISCV, ADDRV, DEFERRED and POISON: an action-optional error as QEMU reports it.
readonly AO_STATUS=9c00180000000000

expect()
{
	grep -q -- "$2" "$1" 2> /dev/null || echo "${1##*/} lacks: $2"
}

expect_not()
{
	local line

	line=$(grep -m 1 -E -- "$2" "$1" 2> /dev/null) && echo "${1##*/} has: $line"
}

# The error reached the bank, and the guest's poll found it there. What the guest did to its banks
# from then on is left in msr.after.
injected()
{
	expect "$1/injected" '^pfn 0x'
	expect "$1/msr.trace" "msr_read $STATUS_MSR = 0x$AO_STATUS$"
	sed -n "/msr_read $STATUS_MSR = 0x$AO_STATUS$/,\$p" "$1/msr.trace" > "$1/msr.after"
}

readonly NOTHING='(tried to write 0x0000000000000000)'

# As in the mail thread: message, MSR, symbols, panic.
judge_panic()
{
	injected "$1"
	expect "$1/console.log" "mce: MSR access error: WRMSR to 0x$DESTAT_MSR $NOTHING"
	expect "$1/console.log" 'at rIP: 0x[0-9a-f]* (mce_wrmsrq+0x'
	expect "$1/console.log" ' amd_clear_bank+0x'
	expect "$1/console.log" ' machine_check_poll+0x'
	expect "$1/console.log" ' mce_timer_fn+0x'
	expect "$1/console.log" 'Kernel panic - not syncing: MCA architectural violation!'
	expect "$1/msr.after" "msr_write $DESTAT_MSR = 0x0 (#GP)"
	expect_not "$1/msr.after" "msr_write $STATUS_MSR "
	expect_not "$1/console.log" '^SIGBUS'
}

# The bank is cleared, by its STATUS register alone; the record is logged as it was; the process
# gets its signal at its page.
judge_survival()
{
	local page

	page=$(sed -n 's/^Data pages at \(0x[0-9a-f]*\) .*/\1/p' "$1/console.log")
	injected "$1"
	expect "$1/console.log" 'amd_mce_guard: guarding'
	expect "$1/console.log" "^SIGBUS si_code 5 (BUS_MCEERR_AO) si_addr $page si_addr_lsb 12"
	expect "$1/console.log" '^guest: victim exit status 0'
	expect "$1/console.log" "mce_record: .*MC9: $AO_STATUS,"
	expect "$1/console.log" "deferred error guarded: bank 9, status 0x$AO_STATUS"
	expect "$1/console.log" '/deferred_guarded:1'
	expect "$1/console.log" '/by_bank:   9       1       1'
	expect "$1/msr.after" "msr_write $STATUS_MSR = 0x0$"
	expect_not "$1/msr.trace" "msr_write $DESTAT_MSR|#GP"
	expect_not "$1/console.log" 'Kernel panic|BUG:|WARNING:|Oops|MSR access error'
}
