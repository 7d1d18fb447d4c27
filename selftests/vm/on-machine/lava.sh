#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kselftests as LAVA runs them: packed as anybody packs them, by lava-run with the job that is
# in this tree, on a device that LAVA's own template makes of QEMU.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/jobs.sh"
source "$TOP/selftests/vm/lib/tally.sh"

readonly WORK="$BUILD/check/lava"
readonly IN_WORK=/repo/build/check/lava
readonly LAB=selftests/vm/lava/lab.py
TESTS=$(sed -n 's/^ *TESTS: //p' "$TOP/selftests/vm/lava/job.yaml")
readonly TESTS

# The job, with what its lab provides at its place.
prepare()
{
	rm -rf "$WORK"
	mkdir -p "$WORK"
	in_sysroot make -C /repo/selftests gen_tar KDIR="$KERNEL_OBJ" STAGE="$IN_WORK/stage" \
		GUARD="$KERNEL_OUT/module/rust/amd_mce_guard.ko" USERLDFLAGS=-static \
		KSFT="$KERNEL_SRC/tools/testing/selftests" > "$WORK/stage.log" 2>&1 || return
	find "$WORK/stage" -name kselftest.tar.gz -exec mv {} "$WORK/" \;
	in_sysroot /repo/selftests/vm/in-sysroot/build-lava-root.sh \
		"$IN_WORK" "$KERNEL_OUT/tools" || return
	cp "$TOP${KERNEL_OUT#/repo}/bzImage" "$WORK/"
	sed "s|https://files.example.org/amd_mce_guard|file://$IN_WORK|" \
		"$TOP/selftests/vm/lava/job.yaml" > "$WORK/job.yaml"
	in_sysroot "$LAB" device "$IN_WORK/job.yaml" > "$WORK/device.yaml"
}

# As a server would check it before it takes it.
valid()
{
	in_sysroot /usr/share/lava-common/lava-schema.py job --strict "$IN_WORK/job.yaml" &&
		in_sysroot /usr/share/lava-common/lava-schema.py device "$IN_WORK/device.yaml"
}

runs()
{
	local IN_SYSROOT=(--tmpfs /var/lib/lava/dispatcher)

	in_sysroot lava-run --job-id 1 --output-dir "$IN_WORK/output" \
		--device "$IN_WORK/device.yaml" "$IN_WORK/job.yaml" > "$WORK/run.log" 2>&1 || {
		tail -n 30 "$WORK/run.log"
		return 1
	}
	grep -x 'result: pass' "$WORK/output/result.yaml"
}

# results_of NAME: of that script, as its KTAP has them
results_of()
{
	sed -nE "s/^ok .*# SKIP.*/$1 skip/p; t; s/^ok .*/$1 pass/p; s/^not ok .*/$1 fail/p" \
		"$WORK/counted/$1.ktap"
}

# What the device printed is counted as everything else here is, and LAVA has it in that order.
same_results()
{
	local dir=$WORK/counted name

	in_sysroot "$LAB" results "$IN_WORK/output/logs.yaml" > "$WORK/results"
	in_sysroot "$LAB" console "$IN_WORK/output/logs.yaml" | tr -d '\r' > "$WORK/console.log"
	mkdir -p "$dir"
	for name in $TESTS; do
		sed -n "/^# selftests: amd_mce_guard: test-$name.sh/,/^\(not \)\?ok /s/^# //p" \
			"$WORK/console.log" > "$dir/$name.ktap"
		results_of "$name"
		echo "$name pass"
	done > "$WORK/wanted"
	# shellcheck disable=SC2086 # a list of words
	tally lava/counted $TESTS
	echo "$passed passed, $failed failed, $skipped skipped"
	awk '{ print $1, $3 }' "$WORK/results" | diff "$WORK/wanted" - &&
		[ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
}

# A runner that prints one result of each kind, one that lists a test and prints no result, and a
# LAVA that writes down what it is told.
tells()
{
	local dir=$WORK/told

	mkdir -p "$dir/bin" "$dir/amd_mce_guard"
	cp "$TOP/selftests/lava.sh" "$dir/amd_mce_guard/"
	# shellcheck disable=SC2016 # for the shell that runs it
	printf '#!/bin/sh\necho "$(basename "$0")" "$@" >> %s\n' "$dir/log" |
		tee "$dir/bin/lava-test-case" "$dir/bin/lava-test-set" > /dev/null
	{
		printf '#!/bin/sh\ncat << END\n'
		printf '%s\n' 'TAP version 13' '1..1' '# selftests: amd_mce_guard: test-load.sh' \
			'# 1..3' '# ok 1 it loads' '# # not ok 2 is what it says' \
			'# not ok 2 it is (still) there' '# ok 3 it unloads # SKIP' \
			'not ok 1 selftests: amd_mce_guard: test-load.sh # exit=1'
		printf 'END\n'
	} > "$dir/run_kselftest.sh"
	chmod +x "$dir"/bin/* "$dir/run_kselftest.sh"
	PATH=$dir/bin:$PATH "$dir/amd_mce_guard/lava.sh" load > /dev/null
	printf '#!/bin/sh\necho amd_mce_guard:test-lode.sh\n' > "$dir/run_kselftest.sh"
	PATH=$dir/bin:$PATH "$dir/amd_mce_guard/lava.sh" > /dev/null
	diff - "$dir/log" <<- END
		lava-test-set start load
		lava-test-case it-loads --result pass
		lava-test-case it-is-still-there --result fail
		lava-test-case it-unloads --result skip
		lava-test-case test-load.sh --result fail
		lava-test-set stop
		lava-test-set start lode
		lava-test-case test-lode.sh --result fail
		lava-test-set stop
	END
}

ktap_print_header
ktap_set_plan 5
test_that "this tree makes what a LAVA job needs" prepare
test_that "the job and its device fit LAVA's schemas" valid
test_that "lava-run runs the job to its end" runs
test_that "LAVA has the results that are in the KTAP" same_results
test_that "LAVA hears of a failure and of a skip as such" tells
