#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kselftests as others use them: installed, packed, run from the tree; and what they say where
# something is missing. They run here, too, where they must not do anything.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"

readonly WORK="$BUILD/check/install"
readonly IN_WORK=/repo/build/check/install

# selftests TARGET [VARIABLE=VALUE...]: make it, as somebody with that kernel's tree would
selftests()
{
	in_sysroot make -C /repo/selftests "$1" KDIR="$KERNEL_OBJ" STAGE=$IN_WORK/stage \
		GUARD="$KERNEL_OUT/module/rust/amd_mce_guard.ko" "${@:2}"
}

# Each test script that there is must be in the list of run_kselftest.sh.
installs()
{
	selftests install INSTALL_PATH=$IN_WORK/installed || return
	(cd "$TOP/selftests" && printf 'amd_mce_guard:%s\n' test-*.sh | sort) |
		diff - <(sort "$WORK/installed/kselftest-list.txt") &&
		[ -f "$WORK/installed/amd_mce_guard/amd_mce_guard.ko" ] &&
		[ -f "$WORK/installed/amd_mce_guard/test_modules/test_mce_livepatch.ko" ]
}

# contents DIR: the files there
contents()
{
	(cd "$WORK/$1" && find . -type f | sort)
}

packs()
{
	local tarball

	selftests gen_tar || return
	tarball=$(find "$WORK/stage" -name 'kselftest.tar.gz')
	mkdir "$WORK/unpacked" && tar -C "$WORK/unpacked" -xf "$tarball" || return
	diff <(contents installed) <(contents unpacked)
}

# There is no tracefs in the sysroot.
skips()
{
	local output scripts

	output=$(selftests run_tests) || return
	printf '%s\n' "$output"
	scripts=$(find "$TOP/selftests" -maxdepth 1 -name 'test-*.sh' | wc -l)
	[ "$(grep -c '^ok .*# SKIP$' <<< "$output")" -eq "$scripts" ] &&
		[ "$(grep -c '1\.\.0 # SKIP no tracefs' <<< "$output")" -eq "$scripts" ]
}

names_kselftest()
{
	local output

	output=$(selftests install KSFT=/nonexistent INSTALL_PATH=$IN_WORK/none 2>&1) && return 1
	printf '%s\n' "$output"
	grep -q 'name the kernel source with KSFT=' <<< "$output"
}

names_install_path()
{
	local output

	output=$(selftests install 2>&1) && return 1
	printf '%s\n' "$output"
	grep -q 'install needs INSTALL_PATH=' <<< "$output"
}

mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 5
test_that "make install installs every test for run_kselftest.sh" installs
test_that "make gen_tar packs the same files" packs
test_that "make run_tests skips in words where there is no function tracing" skips
test_that "without the kernel's kselftest it names the variable to set" names_kselftest
test_that "without a place to install to, too" names_install_path
