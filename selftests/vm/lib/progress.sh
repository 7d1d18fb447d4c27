# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What is said to people: errors, news, and long work in stages, a line each; on a terminal it moves
# meanwhile.

die()
{
	printf 'amd_mce_guard: %s\n' "$*" >&2
	exit 1
}

say()
{
	printf 'amd_mce_guard: %s\n' "$*"
}

STAGE=0
STAGES=0
TICKER=
KEPT='what was finished is kept, the next run goes on from here'

elapsed()
{
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

ticker()
{
	local since=$SECONDS parent=$$ count

	while sleep 1 && kill -0 $parent 2> /dev/null; do
		count=$($2 2> /dev/null)
		printf '\r\033[K%s ... %s%s' "$1" "${count:+$count, }" \
			"$(elapsed $((SECONDS - since)))"
	done
}

start_ticker()
{
	ticker "$@" &
	TICKER=$!
}

stop_ticker()
{
	[ -n "$TICKER" ] || return 0
	kill "$TICKER" 2> /dev/null
	wait "$TICKER" 2> /dev/null
	TICKER=
	printf '\r\033[K'
}

interrupted()
{
	stop_ticker
	say "interrupted; $KEPT"
	exit 130
}
trap stop_ticker EXIT
trap interrupted INT

no_count()
{
	:
}

# stage TITLE LOG COUNT COMMAND...: run COMMAND with its output in LOG and how long it took in
# LOG.took; COUNT is a command that prints how far it has come. Returns only if COMMAND succeeds.
stage()
{
	local title what=$1 log=$2 count=$3 since=$SECONDS status=0

	STAGE=$((STAGE + 1))
	title="[$STAGE/$STAGES] $1"
	shift 3

	mkdir -p "$(dirname "$log")"
	if [ -t 1 ]; then
		start_ticker "$title" "$count"
	else
		printf '%s ... ' "$title"
		title=
	fi
	# In a subshell, so that a command's die() comes back here.
	("$@") > "$log" 2>&1 || status=$?
	stop_ticker

	if [ $status -ne 0 ]; then
		printf '%sFAILED after %s\n' "${title:+$title: }" "$(elapsed $((SECONDS - since)))"
		explain_failure "$log"
		exit 1
	fi
	printf '%sdone in %s\n' "${title:+$title: }" "$(elapsed $((SECONDS - since)))"
	printf '%s\t%s\n' "$what" "$(elapsed $((SECONDS - since)))" > "$log.took"
}

# What apt and curl say when it is the network.
readonly NO_NETWORK='Could not (resolve|connect)|Unable to connect|Failed to fetch|Temporary fail'

explain_failure()
{
	tail -n 15 "$1" | sed 's/^/    /'
	if grep -q 'No space left on device' "$1"; then
		say "a disk is full; free some space and run this again. What is left on each:"
		df -h --output=avail,target "$CACHE" "${BUILD:-$CACHE}" "${TMPDIR:-/tmp}" |
			sed 's/^/    /'
	elif grep -qE "$NO_NETWORK" "$1"; then
		say "the package mirror cannot be reached: check the network and run this again"
	fi
	say "the whole log is $1; $KEPT"
}
