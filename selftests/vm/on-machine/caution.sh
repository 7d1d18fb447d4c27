#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is decided before anything can go wrong: whether a kernel may be injected errors into, whose
# hook it has, what the lab's host VM runs on, and what may be skipped.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/lib/machine.sh"
source "$TOP/selftests/vm/jobs.sh"
source "$TOP/selftests/vm/lib/tally.sh"

readonly WORK="$BUILD/check/caution"

have_the_fix()
{
	local release

	for release; do
		has_fix "$release" || { echo "$release is taken for vulnerable"; return 1; }
	done
}

may_lack_it()
{
	local release

	for release; do
		! has_fix "$release" || { echo "$release is taken for fixed"; return 1; }
	done
}

# hooks_are WANTED LINE: what hooks() makes of ftrace's line on amd_clear_bank(), and of no other
hooks_are()
(
	# shellcheck disable=SC2034 # for hooks()
	MODULE=amd_mce_guard TRACING=$WORK/tracing
	mkdir -p "$TRACING"
	printf '%s\n' "amd_clear_bank [another] (1)  	tramp: 0xffffffffc0000000 (f [$MODULE])" \
		"${@:2}" "mce_timer_fn (1)  	tramp: 0xffffffffc0000000 (f [$MODULE])" \
		> "$TRACING/enabled_functions"
	echo "$2: $(hooks)"
	[ "$(hooks)" = "$1" ]
)

tells_hooks()
{
	local line="amd_clear_bank (1)           	tramp: 0xffffffffc03ab000"

	hooks_are 1 "$line (entered+0x0/0xd0 [amd_mce_guard]) ->entered+0x0/0xd0 [amd_mce_guard]" &&
		hooks_are "1, not by amd_mce_guard" \
			"$line (function_trace_call+0x0/0x190) ->function_trace_call+0x0/0x190" &&
		hooks_are 2 "amd_clear_bank (2)           	->ftrace_ops_list_func+0x0/0x260" &&
		hooks_are 0
}

# shellcheck disable=SC2016 # the other shell's
# accel VALUE: what choose_accel() makes of that ACCEL, where there is no /dev/kvm
accel()
{
	in_sysroot env ACCEL="$1" bash -c 'source selftests/vm/lib/lab.sh && choose_accel &&
		echo "the host VM runs on $HOST_ACCEL"'
}

without_kvm()
{
	local output

	output=$(accel kvm 2>&1) || return
	printf '%s\n' "$output"
	grep 'the lab goes on with TCG: /dev/kvm cannot be written to' <<< "$output" &&
		grep -x 'the host VM runs on tcg' <<< "$output"
}

with_nonsense()
{
	local output

	! output=$(accel xen 2>&1) || return
	printf '%s\n' "$output"
	grep -x 'amd_mce_guard: ACCEL=xen is neither tcg nor kvm' <<< "$output"
}

# An archive that has nothing is asked for kernels. Without one a test is skipped, or all of a
# suite; a test with another kernel may not be.
gone()
(
	in_sysroot() { :; }
	stock_dir() { echo "$WORK/${STOCK_DIR##*/}"; }
	on="on Debian's linux"

	kernel debian debian-6.19.99 6.19.99
	use_kernel debian-6.19.99
	prepare_stock || return
	use_kernel stock
	prepare_stock || return
	KTAP=$WORK/all.ktap
	echo "1..0 # SKIP $(unavailable stock)" > "$KTAP"
	tally_skips stock
	echo "$skipped skipped, $failed failed: ${skips[*]}"
	[ "$skipped,$failed" = 1,0 ] || return
	output=$(test_with debian-6.19.99 "$on 6.19.99" false) &&
		printf '%s\n' "$output" &&
		grep -x "ok [0-9]* $on 6.19.99 # SKIP" <<< "$output" &&
		grep "^# SKIP: Debian's archive has no image of linux 6.19.99; to look" \
			<<< "$output" &&
		may_skip kernels "$on 6.19.99: a test" &&
		! may_skip kernels "$on 6.19.8: a test"
)

mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 6
test_that "a kernel since 6.19.10 or 7.0 is taken for fixed" have_the_fix 6.19.10 6.19.12-custom \
	7.0.0 7.0 7.0.0-arch1-1 7.1.0-rc1 7.3.4+deb14-amd64 8.0.0-rc1
test_that "a kernel that may lack the fix is not taken for fixed" \
	may_lack_it 6.19.0 6.19.9 6.19.9-200.fc43.x86_64 \
	6.19.8+deb14-amd64 6.19.0-rc7 7.0.0-rc3 7.0.0-rc7-next 6.18.44 6.12.94+deb13-amd64
test_that "a single hook counts as the guard's only if ftrace names its module" tells_hooks
test_that "ACCEL=kvm without a usable /dev/kvm: the lab says so and goes on with TCG" without_kvm
test_that "an ACCEL that there is not is refused" with_nonsense
test_that "a test whose kernel has left the archive is skipped, with the reason" gone
