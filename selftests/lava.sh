#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# lava.sh [NAME...]: runs installed tests, all of them unless some are named, by kselftest's own
# runner in a LAVA job, and reports what their KTAP says. LAVA's own way, a pattern for what a test
# prints, takes no names with spaces.

# as_name(text) - what a test is called, as LAVA wants it
as_name()
{
	sed -E 's/[^[:alnum:]._-]+/-/g; s/^-|-$//g' <<< "$1" | cut -c 1-100
}

# report(name, ktap) - each result in a test's output, as kselftest's runner prints it, and its own,
# too; a test without any has failed
report()
{
	local line result found=

	while read -r line; do
		case $line in
		"ok "*"# SKIP"* | "# ok "*"# SKIP"*) result=skip ;;
		"ok "* | "# ok "*) result=pass ;;
		"not ok "* | "# not ok "*) result=fail ;;
		*) continue ;;
		esac
		found=yes
		line=${line#\# }
		line=${line#*ok +([0-9]) }
		line=${line%% # *}
		lava-test-case "$(as_name "${line#selftests: amd_mce_guard: }")" --result $result
	done < "$2"
	[ -n "$found" ] || lava-test-case "test-$1.sh" --result fail
}

shopt -s extglob
cd "$(dirname "$0")" || exit
output=$(mktemp)
names=("$@")
[ $# -gt 0 ] || mapfile -t names < <(../run_kselftest.sh --list |
	sed -n 's/^amd_mce_guard:test-\(.*\)\.sh$/\1/p')
for name in "${names[@]}"; do
	# Not while a test runs: it reads the kernel's log, which LAVA writes to. What is written
	# is appended, as the runner does.
	: > "$output"
	../run_kselftest.sh --test "amd_mce_guard:test-$name.sh" >> "$output" 2>&1
	cat "$output"
	lava-test-set start "$name"
	report "$name" "$output"
	lava-test-set stop
done
rm "$output"
