# SPDX-License-Identifier: GPL-2.0
# What a guest has printed, and then KVM's trace of its accesses to MSRs, as two files to compare
# with those of another guest: accesses, and events. A line begins with the number of its input.
#
# Left out is what two runs of one kernel differ in: the address of the page, which is another in
# each guest and is "page" here; the time of day of an event; what came before the first input and
# after the last. Of two CPUs, which are polled at the same time, the accesses are told one CPU
# after the other. Polls by the timer are as many as there was time for: where they found nothing,
# or left an error alone, they count once, and their accesses are told one bank after the other.

# in_page(VALUE, DIGITS): VALUE, a hexadecimal number without "0x", with the page named
function in_page(value, number)
{
	if (value == "")
		return "0"
	if (page[number] != "" && index(value, page[number]) == 1 &&
	    length(value) == length(page[number]) + 3)
		return "page+" substr(value, length(value) - 2)
	return value
}

# Of two CPUs, whose event comes first is chance.
function print_records(i, j, line)
{
	for (i = 2; i <= records; i++) {
		line = record[i]
		for (j = i - 1; j > 0 && record[j] > line; j--)
			record[j + 1] = record[j]
		record[j + 1] = line
	}
	for (i = 1; i <= records; i++)
		print number, record[i] > events
	records = 0
}

function print_accesses(i, group)
{
	for (group = 0; group < 1024; group++) {
		if (!(group in lines))
			continue
		for (i = 1; i <= lines[group]; i++)
			print number, access[group, i] > accesses
		delete lines[group]
	}
}

FNR == 1 {
	printed = FILENAME == ARGV[1]
	number = 0
}

# What the guest has printed.
printed && $1 == "page" {
	now = $2
}
printed && $0 == "timer" {
	by_timer = 1
}
printed && $0 == "no timer" {
	by_timer = 0
}
printed && $1 == "input" {
	print_records()
	number = $2 + 0
	page[number] = now
	timer[number] = by_timer
	$1 = ""
	$2 = "puts"
	print number $0 > events
}
printed && $1 == "record" {
	$1 = "record"
	for (i = 1; i < NF; i++) {
		if ($i == "time:") {
			$i = $(i + 1) = ""
		} else if ($i == "ADDR:") {
			sub(/,$/, "", $(i + 1))
			sub(/^0*/, "", $(i + 1))
			$(i + 1) = in_page($(i + 1), number) ","
		}
	}
	record[++records] = $0
}
printed && $1 == "signal" {
	print_records()
	print number, $0 > events
}
printed && $1 == "end" {
	print_records()
}

# What KVM has seen.
!printed && /kvm_msr:/ {
	sub(/^ *CPU /, "")
	cpu = $0 + 0
	sub(/.*kvm_msr: msr_/, "")
	what = $1
	msr = $2
	value = substr($4, 3)
	fault = $5

	if (what == "write" && msr == "401" && value ~ /^90000000[89a-f].......$/) {
		# A marker after a marker: there is no other input.
		if (closed)
			exit
		closed = 1
	} else if (what == "write" && msr ~ /^4.[37bf]$/ && closed) {
		print_accesses()
		number++
		closed = 0
	}
	if (!number)
		next

	bank = 0
	if (msr ~ /^4..$/ && msr !~ /^4[89a-f]/)
		bank = 1 + hex(substr(msr, 2))
	line = "CPU " cpu " " what "s " msr " = " (msr ~ /^4.[26ae]$/ ? in_page(value, number) : value) \
		(fault ? " " fault : "")
	if (timer[number]) {
		if (what == "read" && msr ~ /^4.[159d]$/ && value == "0")
			next
		group = cpu * 64 + bank
		if (what == "read" && access[group, lines[group] + 0] == line)
			next
		# Each poll reads MCG_CAP and MCG_STATUS in turn.
		if (what == "read" && msr ~ /^17/ && access[group, lines[group] - 1] == line)
			next
	} else {
		group = cpu * 64
	}
	access[group, ++lines[group]] = line
}

function hex(digits)
{
	return int((index("0123456789abcdef", substr(digits, 1, 1)) - 1) * 4 + \
		(index("0123456789abcdef", substr(digits, 2, 1)) - 1) / 4)
}

END {
	print_accesses()
}
