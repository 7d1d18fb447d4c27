#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tests beside it, all or those that -t names, where they were built without the kernel's
# source, which has a runner of this name. Prints the same KTAP.

cd "$(dirname "$0")" || exit

usage()
{
	cat <<- END
		Usage: $0 [OPTIONS]
		  -t, --test amd_mce_guard:TEST   run TEST, and no others but those named like this
		  -l, --list                      list the tests and exit
		  -o, --override-timeout SECONDS  end a test that takes longer
		  -h, --help                      show this and exit
	END
	exit "$1"
}

# run(number, test) - run a test; its result is a line of KTAP, below what it has printed itself
run()
{
	local line result="$1 selftests: amd_mce_guard: $2"

	echo "# timeout set to $limit"
	echo "# selftests: amd_mce_guard: $2"
	# The inner one ends a test with whatever it has started, and the outer one passes ^C on.
	timeout --foreground 0 timeout "$limit" "./$2" 2>&1 | {
		trap '' INT
		while IFS= read -r line || [ -n "$line" ]; do
			printf '# %s\n' "$line"
		done
	}
	set -- "${PIPESTATUS[0]}"
	case $1 in
	0) echo "ok $result" ;;
	4) echo "ok $result # SKIP" ;;
	124) echo "not ok $result # TIMEOUT $limit seconds" ;;
	*) echo "not ok $result # exit=$1" ;;
	esac
	[ "$1" = 0 ] || [ "$1" = 4 ]
}

mapfile -t list < kselftest-list.txt
limit=$(sed -n 's/^timeout=//p' amd_mce_guard/settings)
tests=()
while [ $# -gt 0 ]; do
	case $1 in
	-t | --test)
		[[ " ${list[*]} " == *" ${2:-} "* ]] ||
			{ echo "$0: there is no test '${2:-}', --list lists them" >&2; exit 1; }
		tests+=("$2")
		shift ;;
	-l | --list)
		printf '%s\n' "${list[@]}"
		exit ;;
	-o | --override-timeout)
		limit=${2:-}
		shift ;;
	-h | --help) usage 0 ;;
	*) usage 1 ;;
	esac
	shift
done
[[ $limit =~ ^[0-9]+$ ]] || usage 1
[ ${#tests[@]} -gt 0 ] || tests=("${list[@]}")

cd amd_mce_guard || exit
trap 'exit 130' INT
status=0
echo "TAP version 13"
echo "1..${#tests[@]}"
for i in "${!tests[@]}"; do
	run $((i + 1)) "${tests[i]#*:}" || status=1
done
exit $status
