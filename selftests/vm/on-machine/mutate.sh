#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# mutate.sh NAME: makes that mistake of mutations.list in a copy of this tree, runs the tests that
# are named there, and says in a line whether exactly those went red that should; what was wrong
# comes below. SLOT tells the copies of those that run side by side apart.

source "$(dirname "$0")/../lib/lab.sh"

readonly NAME=$1
readonly WORK="$BUILD/mutations"
readonly COPY="$WORK/tree$SLOT"
readonly LOG="$WORK/$NAME.log"

# Some mutations may make a VM hang.
export VM_TIMEOUT=${VM_TIMEOUT:-900}

# field KEYWORD: the lines of the mutation that begin with that word, without it
field()
{
	awk -v name="$NAME" -v keyword="$1" '
		$1 == "mutation" { mine = $2 == name }
		mine && $1 == keyword { sub(/^[a-z]+ /, ""); print }' \
		"$TOP/selftests/vm/mutations.list"
}

# copy_tree: a fresh copy. Its build directory is left for what it has of the kernels; what was
# built from a file that is as it was again is older than that file now.
copy_tree()
{
	mkdir -p "$COPY"
	find "$COPY" -mindepth 1 -maxdepth 1 -not -name build -exec rm -rf {} +
	tar -C "$TOP" --exclude=./build --exclude=./.git -c . | tar -C "$COPY" -x -m
}

# mutate: edit the copy; fails if that changes nothing
mutate()
{
	local file

	file=$(field file)
	sed -i "$(field edit)" "$COPY/$file" || return
	! cmp -s "$COPY/$file" "$TOP/$file" || { echo "    the edit changes nothing"; return 1; }
}

# went_red: the tests that did, as "job: description"
went_red()
{
	sed -nE 's/^([a-z-]+): not ok [0-9]+ (.*)/\1: \2/p
		s/^([a-z-]+: [a-z]+: )[0-9]+ (without.*)/\1\2/p
		s/^([a-z-]+: skipped, which was not to be expected: .*)/\1/p' "$LOG" | sort -u
}

# Each test on its own: one pattern that matches several would not miss one of them that is green.
# Compares what went red with the patterns of what should, in both directions.
judge()
{
	local pattern test wrong=0

	mapfile -t red < <(went_red)
	mapfile -t wanted < <(field red)
	for pattern in "${wanted[@]}"; do
		printf '%s\n' "${red[@]}" | grep -qE "^$pattern" ||
			{ echo "    not red: $pattern"; wrong=1; }
	done
	for test in "${red[@]}"; do
		for pattern in "${wanted[@]}"; do
			[[ ! $test =~ ^$pattern ]] || continue 2
		done
		echo "    red, too: $test"
		wrong=1
	done
	[ ${#wanted[@]} -gt 0 ] && [ $wrong -eq 0 ]
}

# try: prints what is wrong, if anything is
try()
{
	local environment

	copy_tree
	mutate || return
	read -ra environment <<< "$(field with)"
	env "${environment[@]}" TESTS="$(field tests)" make -C "$COPY" check > "$LOG" 2>&1
	judge
}

if said=$(try 2>&1); then
	printf '%s: seen, in %s\n' "$NAME" "$(elapsed $SECONDS)"
else
	printf '%s: NOT SEEN as it should be, in %s\n%s\n    see %s\n' "$NAME" \
		"$(elapsed $SECONDS)" "$said" "$LOG"
fi
