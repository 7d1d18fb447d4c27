#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The series for upstream: it is made in one command and applies, and the kernel's own scripts have
# nothing to say about it. Building and running it is for `make upstream-check`.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/upstream.sh"

readonly WORK="$BUILD/check/upstream"

# The project as anybody has it who has cloned it.
clone()
{
	git clone -q --no-hardlinks "$TOP" "$WORK/clone" &&
		(cd "$TOP" && git diff --binary HEAD) | git -C "$WORK/clone" apply --allow-empty
}

makes()
{
	as_somebody make -C "$WORK/clone" upstream KERNEL="$(source_of "$1")" &&
		mv "$WORK/clone/build/upstream" "$WORK/$1"
}

refused_without_a_name()
{
	refuses 'git config --global user.name' env GIT_CONFIG_GLOBAL=/dev/null \
		GIT_CONFIG_NOSYSTEM=1 make -C "$WORK/clone" upstream KERNEL="$(source_of oldest)"
}

refused_without_rust()
{
	mkdir -p "$WORK/empty"
	refuses 'no kernel source with Rust' as_somebody make -C "$WORK/clone" upstream \
		KERNEL="$WORK/empty"
}

# applies NAME SERIES: `git am` takes that series on that kernel's files
applies()
{
	tree_of "$1" "$WORK/am" && as_somebody git -C "$WORK/am" am -q "$2"/000[1-9]-*.patch
}

# The negative control: `git am` refuses what has been applied.
applies_once()
{
	applies oldest "$WORK/oldest" || return
	! as_somebody git -C "$WORK/am" am -q "$WORK"/oldest/0001-*.patch
}

# Those who sign off are those that git knows, and so is the author.
signed_off()
{
	local patch

	for patch in "$WORK"/newest/000[1-9]-*.patch; do
		echo "$patch"
		grep -x "Signed-off-by: $SOMEBODY" "$patch" || return
		grep -x "From: $SOMEBODY" "$patch" || return
	done
}

checkpatch_silent()
{
	in_source newest sh -c "perl scripts/checkpatch.pl --strict --terse --no-summary \
		--show-types --ignore $ANSWERED /repo/build/check/upstream/newest/000[1-9]-*.patch"
}

rustfmt_silent()
{
	mapfile -t sources < <(cd "$WORK/am" && git diff --name-only base HEAD -- '*.rs')
	[ ${#sources[@]} -gt 5 ] && in_sysroot sh -c "cd /repo/build/check/upstream/am &&
		rustfmt --check --edition 2021 --config skip_children=true \
			--config-path $(in_sysroot_source newest)/.rustfmt.toml ${sources[*]}"
}

shellcheck_silent()
{
	mapfile -t scripts < <(cd "$WORK/am" && ls tools/testing/selftests/x86/mce/{.,lib}/*.sh)
	in_sysroot sh -c "cd /repo/build/check/upstream/am && shellcheck -x -P SCRIPTDIR -S style \
		${scripts[*]}"
}

# goes_to PATCH ADDRESS...: its head has each
goes_to()
{
	local address

	for address in "${@:2}"; do
		sed '/^$/q' "$WORK"/newest/"$1"-*.patch | grep -F "$address" || return
	done
}

cover_goes_to_all()
{
	local list

	for list in linux-trace-kernel linux-edac linux-kselftest linux-doc; do
		goes_to 0000 "$list@vger.kernel.org" || return
	done
	goes_to 0000 rust-for-linux@vger.kernel.org x86@kernel.org
}

# What is missing only the kernel's `make install` would notice.
tests_complete()
{
	local dir file

	for dir in "$WORK"/am/tools/testing/selftests/{x86/mce,amd_mce_guard}; do
		while read -r file; do
			echo "$file"
			[ -f "$dir/$file" ] || { echo "$dir: is not there"; return 1; }
		done < <(grep -oE '[a-z_-]+\.sh' "$dir/Makefile"
			sed -n 's/^TEST_GEN_FILES := //p' "$dir/Makefile" | tr ' ' '\n' |
				sed 's/$/.c/')
	done
}

# `make kselftest` runs what is in TARGETS.
tests_are_targets()
{
	local target

	for target in x86/mce amd_mce_guard; do
		git -C "$WORK/am" diff base HEAD -- tools/testing/selftests/Makefile |
			grep -x "+TARGETS += $target" || return
	done
}

# No word of the guard is left in tests that know none.
tests_know_no_guard()
{
	local dir=$WORK/am/tools/testing/selftests

	grep -qri guard "$dir/amd_mce_guard" &&
		grep -q each_bank "$dir/x86/mce/test-deferred.sh" &&
		! grep -riE 'guard|insmod|REFERENCE' "$dir/x86/mce"
}

rm -rf "$WORK"
mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 20
test_that "the project is cloned" clone
test_that "without a name in git's configuration the series is refused" refused_without_a_name
test_that "for a folder that is no kernel source the series is refused" refused_without_rust
for name in oldest newest; do
	release=$(release_of $name)
	test_that "linux $release: make upstream makes the series from a clone" makes $name
	test_that "linux $release: git am takes it" applies $name "$WORK/$name"
done
test_that "git am refuses a patch that has been applied" applies_once
test_that "author and Signed-off-by are those of git's configuration" signed_off
test_that "checkpatch --strict is silent" checkpatch_silent
test_that "rustfmt has nothing to change" rustfmt_silent
test_that "shellcheck is silent on the kselftests" shellcheck_silent
test_that "the kselftests are in TARGETS of the kernel's own" tests_are_targets
test_that "each kselftest and program that a Makefile names is there" tests_complete
test_that "the kselftests know nothing of the guard" tests_know_no_guard
test_that "the fix of ftrace goes to its maintainers" \
	goes_to 0001 rostedt@goodmis.org linux-trace-kernel@vger.kernel.org
test_that "the abstraction goes to Rust for Linux and to ftrace" \
	goes_to 0002 ojeda@kernel.org rust-for-linux@vger.kernel.org rostedt@goodmis.org
test_that "the kselftests go to x86 and to kselftest" \
	goes_to 0004 x86@kernel.org linux-kselftest@vger.kernel.org linux-edac@vger.kernel.org
test_that "the guard goes to RAS as an RFC" goes_to 0005 bp@alien8.de '[RFC PATCH'
test_that "the cover letter goes to all" cover_goes_to_all
# Which of its patches the older kernel does not take, to know it: each has a series of its own.
applies oldest "$WORK/newest" > "$WORK/newest-on-oldest" 2>&1 ||
	ktap_print_msg "linux $(release_of oldest) does not take that of $(release_of newest):" \
		"$(grep -E '^(error: patch failed|Patch failed at)' "$WORK/newest-on-oldest" |
			paste -sd ';')"
