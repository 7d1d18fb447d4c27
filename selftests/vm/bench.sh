#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the guard costs, and what others would that do the same: a table, and figures.json.

source "$(dirname "$0")/setup.sh"
source "$TOP/selftests/vm/lib/cost.sh"

readonly DIR="$BUILD/bench"

# table: of the lines that come in
table()
{
	awk '
		function row(key, name) {
			if ((key, "nothing") in cost)
				printf "%-38s %9d %+10d %+10d\n", name, cost[key, "nothing"],
					cost[key, "corrected"], cost[key, "deferred"]
		}
		{ cost[$1 " " $2, $3] = $4 }
		END {
			printf "%-38s %9s %10s %10s\n", "instructions of a poll", \
				"nothing", "corrected", "deferred"
			row("fixed none", "fixed kernel")
			row("test none", "vulnerable kernel")
			row("test least", "  with the least guard in C, by ftrace")
			row("test guard", "  with the guard")
			row("test fprobe", "  with a guard by an fprobe")
			row("test kprobe", "  with a guard by a kprobe")
		}'
}

json()
{
	awk 'BEGIN { print "[" }
		{
			printf "%s  {\"kernel\": \"%s\", \"beside\": \"%s\", \"poll\": \"%s\", ", \
				(NR > 1 ? ",\n" : ""), $1, $2, $3
			printf "\"instructions\": %d}", $4
		}
		END { print "\n]" }'
}

others=none,guard,least,kprobe
setup test fixed
use_kernel test
! grep -qx CONFIG_FPROBE=y "$(kernel_obj_dir)/.config" || others+=,fprobe
measure "$DIR/fixed" fixed none,none || die "the VM did not finish, see $DIR/fixed"
measure "$DIR/test" test "$others,$others" || die "the VM did not finish, see $DIR/test"
cat "$DIR"/{fixed,test}/figures > "$DIR/figures"
json < "$DIR/figures" > "$DIR/figures.json"
table < "$DIR/figures"
say "the figures are in $DIR/figures.json, too"
