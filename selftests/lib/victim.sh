#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034,SC2086 # constants go both ways; none has a space
# Verbs for the tests: a process whose memory goes bad.

# start_victim(options...) - start a process and learn where its page is
start_victim()
{
	log "% mce_victim $*"
	VICTIM_LOG=$(mktemp)
	./mce_victim "$@" > "$VICTIM_LOG" 2>&1 &
	VICTIM=$!
	loop_until victim_ready_or_gone
	read -r PAGE FRAME <<< "$(sed -n 's/^Data pages at \(.*\) physically \(.*\)/\1 \2/p' \
		"$VICTIM_LOG")"
	[ -n "$FRAME" ] || skip "the victim did not start: $(tail -n 1 "$VICTIM_LOG")"
}

victim_ready_or_gone()
{
	grep -q '^Data pages' "$VICTIM_LOG" || ! kill -0 $VICTIM 2> /dev/null
}

# The record is logged before the kernel takes the page from the processes that have it.
page_dealt_with()
{
	[ -n "$(since_mark '/Memory failure: 0x[0-9a-f]+: recovery action for /')" ]
}

# touch_page() - have the victim read its page, once the kernel has dealt with the error there
touch_page()
{
	loop_until page_dealt_with || die "the kernel has done nothing about the page"
	log "% touch the page"
	kill -USR1 $VICTIM
}

victim_gone()
{
	! kill -0 $VICTIM 2> /dev/null
}

# victim_end() - wait for the victim and tell what it saw, with names for addresses
victim_end()
{
	local line

	loop_until victim_gone || die "the victim has not heard of the error"
	while read -r line; do
		log "> victim: $line"
	done < <(grep -E 'SIGBUS|reads|^read:' "$VICTIM_LOG" |
		sed "s/$PAGE/PAGE/; s/physically $FRAME$/in the same frame/;
			s/physically 0x.*/in another frame/" | sort)
}

# end_victim() - clean up, whatever became of it
end_victim()
{
	[ -z "${VICTIM:-}" ] || kill -KILL $VICTIM 2> /dev/null
	rm -f "${VICTIM_LOG:-}"
}
