#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the guard costs, and what others would that do the same: figures.txt, figures.json and
# plot.svg. Says when the copy of figures.txt that Documentation has is of other figures.
# LIVEPATCH= names a test_mce_bench_livepatch.ko, or is none, if klp-build is not to build one.

# shellcheck disable=SC2317 # stage calls some of the functions
source "$(dirname "$0")/setup.sh"
source "$TOP/selftests/vm/lib/cost.sh"
source "$TOP/selftests/vm/lib/livepatch.sh"

readonly DIR="$BUILD/bench" KEPT_FIGURES="$TOP/Documentation/figures.txt"

# What is measured beside which kernel, in the order of the tables: KERNEL BESIDE NAME
readonly ROWS='fixed none fixed kernel
test none vulnerable kernel
test guard with the guard
test standin with the guard, by the stand-in
test least with the least guard in C, by ftrace
test livepatch with the fix as a livepatch
test fprobe with a guard by an fprobe
test kprobe with a guard by a kprobe'

# build_again: the guard from its sources, without the kernel's own Rust crates and without tests,
# as it is built for most kernels; the seconds, by the clock and of the CPUs, in guard.took
build_again()
{
	local copy=$KERNEL_OUT/bench-guard

	in_sysroot mkdir -p "$copy" &&
		in_sysroot rsync -a /repo/{Makefile,Kbuild,dkms.conf,rust} "$copy/" &&
		in_sysroot make -C "$copy" KDIR="$KERNEL_OBJ" clean &&
		in_sysroot bash -c "TIMEFORMAT='%0R %0U %0S'
			{ time make -C $copy KDIR=$KERNEL_OBJ KERNEL_CRATE=standin 2>&1; } \
				2> /repo/build/bench/guard.time" &&
		awk '{ print $1, $2 + $3 }' "$DIR/guard.time" > "$DIR/guard.took"
}

# measure_all: the figures of both kernels
measure_all()
{
	local modules=$TOP${KERNEL_OUT#/repo}/bench-modules

	if [ "$LIVEPATCH" != none ]; then
		mkdir -p "$modules" &&
			cp "$LIVEPATCH" "$modules/$LIVEPATCH_NAME.ko" || return
	fi
	measure "$DIR/fixed" fixed none,none && measure "$DIR/test" test "$others,$others" &&
		cat "$DIR"/{fixed,test}/figures > "$DIR/figures"
}

# seconds FILE...: what the stages that left these took; nothing if one of them has not run here
seconds()
{
	local file

	for file; do
		[ -e "$file" ] || return 0
	done
	awk -F '[\t:]' '{ sum += 60 * $(NF - 1) + $NF } END { print sum }' "$@"
}

# times: lines of "machine - WHAT SECONDS", of what has been measured on this machine
times()
{
	local what file

	for what in guard klp-build; do
		file=$DIR/guard.took
		[ $what = guard ] || file=$LIVEPATCH_DIR/$LIVEPATCH_NAME.ko.took
		[ ! -e "$file" ] ||
			awk -v what=$what '{ print "machine -", what, $1
				print "machine -", what "-cpu", $2 }' "$file"
	done
	echo "machine - cold $(seconds "$LOGS/sysroot.log.took" \
		"$LOGS/source-$KERNEL_ID.log.took" "$LOGS/kernel-test.log.took" \
		"$LOGS/guests.log.took" "$BUILD/demo.log.took")"
	echo "machine - warm $(seconds "$BUILD/demo.log.took")"
}

# instructions: a table of the figures that repeat
instructions()
{
	awk -v rows="$ROWS" '
		{ cost[$1 " " $2, $3] = $4 }
		END {
			printf "%-38s %8s %9s %9s %9s\n", "instructions of a poll", \
				"nothing", "corrected", "deferred", "10 of them"
			count = split(rows, row, "\n")
			for (i = 1; i <= count; i++) {
				split(row[i], word, " ")
				key = word[1] " " word[2]
				name = substr(row[i], length(key) + 2)
				if (word[2] != "none")
					name = "  " name
				if (!((key, "nothing") in cost)) {
					printf "%-38s not measured\n", name
					continue
				}
				printf "%-38s %8d %+9d %+9d %+9d\n", name, cost[key, "nothing"], \
					cost[key, "corrected"], cost[key, "deferred"], \
					cost[key, "ten"] - cost[key, "nothing"]
			}
		}' "$DIR/figures"
}

# loading: a table of what it takes to have them
loading()
{
	awk -v rows="$ROWS" '
		{ cost[$1 " " $2, $3] = $4 }
		END {
			printf "%-38s %17s %17s\n", "once loaded", "bytes of memory", \
				"us of VM to load"
			count = split(rows, row, "\n")
			for (i = 1; i <= count; i++) {
				split(row[i], word, " ")
				key = word[1] " " word[2]
				name = substr(row[i], length(key) + 2)
				if ((key, "bytes") in cost)
					printf "%-38s %17d %17d\n", name, cost[key, "bytes"], \
						cost[key, "protected"]
			}
		}' "$DIR/figures"
}

# wall_clock: a table of the times
wall_clock()
{
	times | awk -v cpus="$(nproc)" -v load="$(cut -d ' ' -f 1 /proc/loadavg)" '
		function row(name, what) {
			printf "%-52s %12s\n", name, \
				time[what] == "" ? "not measured" : time[what]
		}
		{ time[$3] = $4 }
		END {
			printf "%-52s %12s\n", \
				cpus " CPUs, of load " load ", guests by TCG", "seconds"
			row("the guard, from its sources to a module", "guard")
			row("  of CPU time", "guard-cpu")
			row("the fix, from its patch to a livepatch by klp-build", "klp-build")
			row("  of CPU time", "klp-build-cpu")
			row("make demo, with nothing there", "cold")
			row("make demo, with all there", "warm")
		}'
}

json()
{
	{
		cat "$DIR/figures"
		times | awk 'NF == 4'
	} | awk -v linux="$(kernel_release)" -v cpus="$(nproc)" '
		BEGIN {
			printf "{\n  \"linux\": \"%s\",\n  \"cpus\": %d,\n  \"figures\": [\n", \
				linux, cpus
		}
		{
			printf "%s    {\"of\": \"%s\", \"beside\": \"%s\", ", \
				(NR > 1 ? ",\n" : ""), $1, $2
			printf "\"what\": \"%s\", \"value\": %d}", $3, $4
		}
		END { print "\n  ]\n}" }'
}

# plot: bars of what a deferred error costs, to be read on a light and a dark page
plot()
{
	awk -v rows="$ROWS" '
		$3 == "deferred" { cost[$1 " " $2] = $4; if ($4 > most) most = $4 }
		END {
			count = split(rows, row, "\n")
			print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\"" \
				" height=\"" 40 + 26 * count "\" role=\"img\">"
			print "<title>Instructions of a deferred error</title>"
			print "<style>text { font: 14px sans-serif; fill: #222 }" \
				" rect { fill: #4477aa }" \
				" @media (prefers-color-scheme: dark)" \
				" { text { fill: #ddd } rect { fill: #77aadd } }</style>"
			print "<text x=\"0\" y=\"18\">Instructions that each deferred error" \
				" adds to a poll</text>"
			for (i = 1; i <= count; i++) {
				split(row[i], word, " ")
				key = word[1] " " word[2]
				if (!(key in cost))
					continue
				y = 30 + 26 * shown++
				printf "<text x=\"0\" y=\"%d\">%s</text>", y + 15, \
					substr(row[i], length(key) + 2)
				printf "<rect x=\"270\" y=\"%d\" width=\"%d\" height=\"18\"/>", \
					y, 380 * cost[key] / most
				printf "<text x=\"%d\" y=\"%d\">%d</text>\n", \
					276 + 380 * cost[key] / most, y + 15, cost[key]
			}
			print "</svg>"
		}' "$DIR/figures"
}

setup test fixed
mkdir -p "$DIR"
use_kernel test
use_livepatch
others=none,guard,standin,least,fprobe,kprobe
STAGE=0
STAGES=2
if [ -z "${LIVEPATCH:-}" ]; then
	LIVEPATCH=$LIVEPATCH_DIR/$LIVEPATCH_NAME.ko
	open_lock "$LIVEPATCH_DIR" LIVEPATCH_LOCK
	take_lock "$LIVEPATCH_LOCK" "$LIVEPATCH_DIR"
	if [ ! -e "$LIVEPATCH_DIR/.built" ]; then
		STAGES=3
		stage "the fix as a livepatch, by klp-build" "$LOGS/livepatch.log" \
			livepatch_steps build_livepatch
	fi
fi
[ "$LIVEPATCH" = none ] || others+=,livepatch
stage "the guard from its sources" "$LOGS/bench-guard.log" no_count build_again
stage "polls, and what is loaded beside them" "$LOGS/bench.log" no_count measure_all
use_kernel test
json > "$DIR/figures.json"
plot > "$DIR/plot.svg"
{
	echo "Linux $(kernel_release), by make bench"
	echo
	instructions
	echo
	loading
	echo
	wall_clock
} > "$DIR/figures.txt"
cat "$DIR/figures.txt"
say "the figures are in $DIR: figures.txt, figures.json, plot.svg"

# What the machine has a part in differs each time.
if ! cmp -s <(sed '/^once loaded/,$d' "$DIR/figures.txt") \
	<(sed '/^once loaded/,$d' "$KEPT_FIGURES"); then
	say "Documentation has other figures; if these are right:" \
		"cp build/bench/figures.txt Documentation/"
fi
