#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Breaks the module or the tests on purpose, with each mutation of mutations.list, as many at a time
# as there are CPUs. Exit status 0 only if each time exactly those tests went red that should.
# MUTATIONS="name name" picks some.

source "$(dirname "$0")/lib/lab.sh"

readonly LIST="$TOP/selftests/vm/mutations.list"
readonly WORK="$BUILD/mutations"
readonly RESULTS="$WORK/results"

mutations_done()
{
	echo "$(grep -c '^[^ ]' "$RESULTS") of ${#names[@]} done"
}

mapfile -t all < <(sed -n 's/^mutation //p' "$LIST")
read -ra names <<< "${MUTATIONS:-${all[*]}}"
for name in "${names[@]}"; do
	[[ " ${all[*]} " == *" $name "* ]] || die "there is no mutation '$name' in $LIST"
done
open_lock "$WORK" WORK_LOCK
take_lock "$WORK_LOCK" "$WORK"

echo "${#names[@]} mutations, $(nproc) at a time:"
: > "$RESULTS"
[ ! -t 1 ] || start_ticker "mutations" mutations_done
printf '%s\n' "${names[@]}" |
	xargs -P "$(nproc)" -n 1 --process-slot-var=SLOT "$TOP/selftests/vm/on-machine/mutate.sh" |
	tee "$RESULTS"
stop_ticker

passed=$(grep -c '^[^ ]*: seen, ' "$RESULTS")
failed=$((${#names[@]} - passed))
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
