#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086,SC2153 # constants go both ways; none has a space
# Verbs for the tests: errors in machine check banks, and what becomes of them.

# seen(status) - what is left of it for amd_clear_bank() to see: without the guard, all
seen()
{
	[ -z "$REFERENCE" ] || set -- "$1" 0
	printf 0x%x $(($1 & ~${2:-$DEFERRED_BIT}))
}

DEFERRED_SEEN=$(seen $DEFERRED)
AO_SEEN=$(seen $AO)
readonly DEFERRED_SEEN AO_SEEN

# For each CPU the banks that errors have been injected into since the last poll
declare -A PENDING=()
# Processes that inject on and on
STORMS=()

# inject(cpu, bank, status[, addr[, misc]]) - put an error into a bank
inject()
{
	local status

	printf -v status 0x%x "$3"
	may_inject "$status"
	log "% inject cpu $1 bank $2 status $status"
	put_error "$1" "$2" "$status" "${@:4}"
}

# put_error(cpu, bank, status[, addr[, misc]]) - the same without a word
put_error()
{
	may_inject "$3"
	PENDING[$1]+=" $2"
	./mce_inject "$1" error "$2" "$3" "${4:-0}" "${5:-0}" || die "cannot inject"
}

# inject_everywhere(cpu, status) - put an error into each bank of a CPU
inject_everywhere()
{
	local cpu=$1 status=$2 bank errors=()

	may_inject "$status"
	log "% inject cpu $cpu, each bank, status $status"
	for ((bank = 0; bank < BANKS; bank++)); do
		errors+=("$bank" "$status" 0 0)
		PENDING[$cpu]+=" $bank"
	done
	./mce_inject "$cpu" error "${errors[@]}" || die "cannot inject"
}

# forget_errors() - end storms, and clear what no poll has cleared: the guard may be about to go
forget_errors()
{
	local cpu bank

	if [ ${#STORMS[@]} -gt 0 ]; then
		kill "${STORMS[@]}" 2> /dev/null
		wait "${STORMS[@]}" 2> /dev/null
		STORMS=()
	fi
	for cpu in "${!PENDING[@]}"; do
		for bank in $(./mce_inject $cpu holding 0 ${PENDING[$cpu]}); do
			./mce_inject $cpu error $bank 0 0 0
		done
	done
	PENDING=()
}

# reserve_huge_page() - make sure that there is a huge page to map, for this test
reserve_huge_page()
{
	local pages=/sys/kernel/mm/hugepages/hugepages-2048kB before

	[ -d $pages ] || skip "the kernel has no CONFIG_HUGETLBFS"
	before=$(cat $pages/nr_hugepages)
	# shellcheck disable=SC2064 # with the values of now
	trap "forget_errors; end_victim; echo $before > $pages/nr_hugepages" EXIT
	echo $((before + 1)) > $pages/nr_hugepages
	[ "$(cat $pages/free_hugepages)" -gt 0 ] || skip "no memory for a huge page"
}
