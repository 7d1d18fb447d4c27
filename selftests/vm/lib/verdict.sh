# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2153 # from scenario()
# What became of a guest, by its console and the MSR accesses its host saw: says what is missing.

source "$TOP/selftests/lib/splats.sh"
source "$TOP/selftests/lib/status.sh"
source "$TOP/selftests/vm/lib/expect.sh"

readonly AO_STATUS=${AO#0x}

# The error reached the bank, and the guest's poll found it there. What the guest did to its banks
# from then on is left in msr.after.
injected()
{
	local found

	found="msr_read $(status_msr "$BANK") = 0x$AO_STATUS$"
	# The second of two errors in a bank sets OVER.
	[ "$LAST" = no ] || found=${found/0x9/0xd}
	[ "$BUSY" = no ] ||
		expect_times "$SMP" "$1/console.log" '^guest: a loop has taken [1-9][0-9]* ticks'
	[ "$PENDING" != stopgap ] ||
		expect "$1/console.log" "^guest: bank 9 status 0x$AO_STATUS"
	expect "$1/injected" '^gpa 0x'
	expect "$1/msr.trace" "$found"
	sed -n "/$found/,\$p" "$1/msr.trace" > "$1/msr.after"
}

readonly NOTHING='\(tried to write 0x0000000000000000\)'

# As in the mail thread: message, MSR, symbols, panic.
panicked()
{
	local destat

	destat=$(destat_msr "$BANK")
	expect "$1/console.log" "mce: MSR access error: WRMSR to 0x$destat $NOTHING"
	expect "$1/console.log" 'at rIP: 0x[0-9a-f]* \(mce_wrmsr[lq]\+0x'
	[ "$GUEST" = inlined ] || expect "$1/console.log" ' amd_clear_bank\+0x'
	expect "$1/console.log" ' machine_check_poll\+0x'
	expect "$1/console.log" 'Kernel panic - not syncing: MCA architectural violation!'
	expect "$1/msr.after" "msr_write $destat = 0x0 \(#GP\)"
}

# Its poll found the error, and nothing came after.
judge_panic()
{
	injected "$1"
	panicked "$1"
	expect "$1/console.log" " $POLLER\+0x"
	expect_not "$1/msr.after" "msr_write $(status_msr "$BANK") "
	expect_not "$1/console.log" '^SIGBUS'
}

# A kernel that the guard is needed for and cannot guard: it says so, loudly, and does not load.
judge_refusal()
{
	expect "$1/console.log" 'amd_mce_guard: NOT GUARDING: polling may write MCA_DESTAT'
	expect_not "$1/console.log" '^guest: insmod exit status 0|amd_mce_guard: guarding'
	judge_panic "$1"
}

# The guard's one line about the error in that bank
announced()
{
	expect "$1/console.log" "bank $BANK: deferred error, status 0x.* without MCA_DESTAT"
}

# What the guard must have said and counted of so many errors; nothing if there is none.
says_and_counts()
{
	[ "$GUARD" = yes ] || return
	expect "$1/console.log" 'amd_mce_guard: guarding'
	announced "$1"
	expect "$1/console.log" "/deferred_guarded:$2"
}

# No register but MCi_STATUS was written, and nothing broke.
intact()
{
	expect "$1/msr.after" "msr_write $(status_msr "$BANK") = 0x0$"
	expect_not "$1/msr.trace" 'msr_write c000|#GP'
	alive "$1"
}

alive()
{
	expect_not "$1/console.log" "Kernel panic|MSR access error|$SPLATS"
}

# Where the victims have their pages
pages()
{
	sed -n 's/^Data pages at \(0x[0-9a-f]*\) .*/\1/p' "$1/console.log"
}

# The bank is cleared, by its STATUS register alone; the record is logged as it was; the process
# gets its signal at its page.
judge_survival()
{
	local page

	page=$(pages "$1")
	injected "$1"
	expect "$1/console.log" "^SIGBUS si_code 5 \(BUS_MCEERR_AO\) si_addr $page si_addr_lsb 12"
	expect "$1/console.log" '^guest: victim exit status 0'
	expect "$1/console.log" "mce_record: .*MC$BANK: $AO_STATUS,"
	says_and_counts "$1" 1
	intact "$1"
}

# The bank was cleared by the poll that is part of resuming.
judge_resumption()
{
	expect "$1/console.log" '^guest: resumed, bank 9 status 0[^x]'
	judge_survival "$1"
}

# Each of the three banks kept its error, and the restored guest clears it as the guarded one would.
judge_restored()
{
	local bank

	injected "$1"
	expect "$1/console.log" \
		"^guest: banks 9, 6, 5 status 0x$AO_STATUS 0x$AO_STATUS 0x$AO_STATUS"
	diff <(pages "$1" | sort) \
		<(sed -n 's/^SIGBUS .* si_addr \(0x[0-9a-f]*\) .*/\1/p' "$1/console.log" | sort)
	expect_times 3 "$1/console.log" '^SIGBUS si_code 5 \(BUS_MCEERR_AO\) .* si_addr_lsb 12'
	for bank in 9 6 5; do
		expect "$1/console.log" "mce_record: .*MC$bank: $AO_STATUS,"
		expect "$1/msr.after" "msr_write $(status_msr $bank) = 0x0$"
	done
	expect_times 3 "$1/injected" '^gpa 0x'
	expect "$1/console.log" 'amd_mce_guard: guarding'
	expect "$1/console.log" '/deferred_guarded:3'
	expect_not "$1/msr.trace" 'msr_write c000|#GP'
	alive "$1"
}

# A kernel without the defect: the guard is not needed, says so, and does not load.
judge_inert()
{
	local page

	page=$(pages "$1")
	injected "$1"
	expect "$1/console.log" "^SIGBUS si_code 5 \(BUS_MCEERR_AO\) si_addr $page si_addr_lsb 12"
	if [ "$GUARD" = yes ]; then
		expect "$1/console.log" 'amd_mce_guard: .*nothing to guard'
		expect_not "$1/console.log" '^guest: insmod exit status 0|amd_mce_guard: guarding'
	fi
	intact "$1"
}

# The one bank for both errors keeps the later, with OVER set.
judge_wake()
{
	local page overwritten=${AO_STATUS/#9/d}

	page=$(pages "$1" | tail -n 1)
	expect_times 2 "$1/injected" '^pfn 0x'
	expect "$1/console.log" "^SIGBUS si_code 5 \(BUS_MCEERR_AO\) si_addr $page si_addr_lsb 12"
	expect "$1/msr.trace" "msr_read $(status_msr "$BANK") = 0x$overwritten$"
	expect_times 1 "$1/console.log" 'mce_record: '
	expect_times 1 "$1/console.log" "mce_record: .*MC$BANK: $overwritten,"
	says_and_counts "$1" 1
	cp "$1/msr.trace" "$1/msr.after"
	intact "$1"
}

# Each process gets the signal for the page that is its own.
judge_ten()
{
	diff <(pages "$1" | sort) \
		<(sed -n 's/^SIGBUS .* si_addr \(0x[0-9a-f]*\) .*/\1/p' "$1/console.log" | sort)
	injected "$1"
	expect_times 10 "$1/injected" '^pfn 0x'
	expect_times 10 "$1/console.log" '^SIGBUS si_code 5 \(BUS_MCEERR_AO\) .* si_addr_lsb 12'
	expect_times 10 "$1/console.log" '^guest: victim exit status 0'
	expect_times 10 "$1/console.log" "mce_record: .*MC$BANK: $AO_STATUS,"
	says_and_counts "$1" 10
	intact "$1"
}

# The first poll of a boot finds the bank as it was left, before there is an init.
judge_loop()
{
	[ "$DEATHS" = 0 ] || judge_panic "$1"
	injected "$1"
	expect_times 1 "$1/console.log" '^guest: ready'
	expect_at_least $((DEATHS + 2)) "$1/console.log" \
		'Kernel panic - not syncing: MCA architectural violation!'
	expect_at_least $((DEATHS + 2)) "$1/msr.after" \
		"msr_write $(destat_msr "$BANK") = 0x0 \(#GP\)"
	expect_at_least 2 "$1/console.log" ' mcheck_cpu_init\+0x'
	expect_not "$1/msr.after" "msr_write $(status_msr "$BANK") "
}

# It has been there twice.
judge_back()
{
	injected "$1"
	expect_times 2 "$1/console.log" '^guest: ready'
	expect_times 2 "$1/console.log" '^guest: bank 9 holds 0[^x]'
	expect_times "$DEATHS" "$1/console.log" 'Kernel panic'
	[ "$DEATHS" = 0 ] || panicked "$1"
	expect "$1/msr.after" "msr_write $(status_msr "$BANK") = 0x0$"
	[ "$PENDING" != reboot ] || announced "$1"
}

crash_kernel()
{
	expect "$1/console.log" '^guest: load_crash_kernel exit status 0'
	injected "$1"
	panicked "$1"
}

# The crash kernel finds the error in its bank.
judge_undumped()
{
	crash_kernel "$1"
	expect_times 2 "$1/console.log" \
		'Kernel panic - not syncing: MCA architectural violation!'
	expect_times 1 "$1/console.log" ' mcheck_cpu_init\+0x'
	expect_not "$1/console.log" '^guest: dump'
}

judge_dump()
{
	crash_kernel "$1"
	expect_times 1 "$1/console.log" \
		'Kernel panic - not syncing: MCA architectural violation!'
	expect "$1/console.log" '^guest: /proc/vmcore begins with *7f 45 4c 46'
	expect "$1/console.log" '^guest: dump of linux OSRELEASE=[1-9]'
}

# Polled while the hook was there, which is gone: nothing is left for the next poll.
judge_unloaded()
{
	local page

	page=$(pages "$1")
	injected "$1"
	expect "$1/console.log" '^guest: rmmod exit status 0'
	expect "$1/console.log" '^guest: bank 9 status 0[^x]'
	expect "$1/console.log" "^SIGBUS si_code 5 \(BUS_MCEERR_AO\) si_addr $page si_addr_lsb 12"
	expect "$1/console.log" "mce_record: .*MC$BANK: $AO_STATUS,"
	announced "$1"
	expect_not "$1/console.log" '/deferred_guarded:'
	intact "$1"
}

# Nobody polls, the CPU raises the exception: nothing for the guard.
judge_touch()
{
	local page

	page=$(pages "$1")
	expect "$1/injected" '^pfn 0x'
	expect "$1/console.log" "^SIGBUS si_code 4 \(BUS_MCEERR_AR\) si_addr $page si_addr_lsb 12"
	expect "$1/console.log" '^guest: victim exit status 0'
	if [ "$GUARD" = yes ]; then
		expect "$1/console.log" 'amd_mce_guard: guarding'
		expect "$1/console.log" '/deferred_guarded:0'
	fi
	alive "$1"
}

judge_unseen()
{
	expect "$1/injected" '^pfn 0x'
	expect "$1/console.log" "^guest: bank 9 status 0x$AO_STATUS"
	expect_not "$1/console.log" '^SIGBUS|mce_record:'
	alive "$1"
}
