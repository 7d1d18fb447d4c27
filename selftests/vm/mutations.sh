#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Breaks the module or the tests on purpose, one mutation of mutations.list after the other, each in
# a copy of this tree, and runs the tests that are named there. Exit status 0 only if each time
# exactly those went red that should. MUTATIONS="name name" picks some.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/lab.sh"

readonly LIST="$TOP/selftests/vm/mutations.list"
readonly WORK="$BUILD/mutations"
readonly COPY="$WORK/tree"

# Some mutations may make a VM hang.
export VM_TIMEOUT=${VM_TIMEOUT:-900}

# field NAME KEYWORD: the lines of a mutation that begin with that word, without it
field()
{
	awk -v name="$1" -v keyword="$2" '
		$1 == "mutation" { mine = $2 == name }
		mine && $1 == keyword { sub(/^[a-z]+ /, ""); print }' "$LIST"
}

# copy_tree: a fresh copy. Its build directory is left for what it has of the kernels; what was
# built from a file that is as it was again is older than that file now.
copy_tree()
{
	mkdir -p "$COPY"
	find "$COPY" -mindepth 1 -maxdepth 1 -not -name build -exec rm -rf {} +
	tar -C "$TOP" --exclude=./build --exclude=./.git -c . | tar -C "$COPY" -x -m
}

# mutate NAME: edit the copy; fails if that changes nothing
mutate()
{
	local file

	file=$COPY/$(field "$1" file)
	cp "$file" "$WORK/before"
	sed -i "$(field "$1" edit)" "$file" || return
	! cmp -s "$file" "$WORK/before" || { echo "the edit changes nothing"; return 1; }
}

# went_red: the tests that did, as "job: description"
went_red()
{
	sed -nE 's/^([a-z]+): not ok [0-9]+ (.*)/\1: \2/p
		s/^([a-z]+: [a-z]+: )[0-9]+ (without.*)/\1\2/p
		s/^([a-z]+: skipped, which was not to be expected: .*)/\1/p' "$WORK/$1.log" |
		sort -u
}

# Each test on its own: one pattern that matches several would not miss one of them that is green.
# Compares what went red with the patterns of what should, in both directions.
judge()
{
	local pattern test wrong=0

	mapfile -t red < <(went_red "$1")
	mapfile -t wanted < <(field "$1" red)
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

# try NAME: prints what is wrong with it, if anything is
try()
{
	local environment

	copy_tree
	mutate "$1" || return
	read -ra environment <<< "$(field "$1" with)"
	env "${environment[@]}" TESTS="$(field "$1" tests)" \
		make -C "$COPY" check > "$WORK/$1.log" 2>&1
	judge "$1"
}

read -ra names <<< "${MUTATIONS:-$(sed -n 's/^mutation //p' "$LIST" | tr '\n' ' ')}"
open_lock "$WORK" WORK_LOCK
take_lock "$WORK_LOCK" "$WORK"
passed=0 failed=0 number=0
for name in "${names[@]}"; do
	number=$((number + 1))
	since=$SECONDS
	printf '[%d/%d] %s ... ' $number ${#names[@]} "$name"
	if said=$(try "$name" 2>&1); then
		passed=$((passed + 1))
		printf 'seen, in %s\n' "$(elapsed $((SECONDS - since)))"
	else
		failed=$((failed + 1))
		printf 'NOT SEEN as it should be, in %s\n%s\n    see %s\n' \
			"$(elapsed $((SECONDS - since)))" "$said" "$WORK/$name.log"
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
