#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kselftests as others use them: installed, packed, run from the tree, with the kernel's source
# and without; and what they say where something is missing. They run here, too, where they must not
# do anything.

source "$(dirname "$0")/../lib/suite.sh"

readonly WORK="$BUILD/check/install"
readonly IN_WORK=/repo/build/check/install

# selftests TARGET [VARIABLE=VALUE...]: make it, as somebody with that kernel's tree would
selftests()
{
	in_sysroot make -C /repo/selftests "$1" KDIR="$KERNEL_OBJ" STAGE=$IN_WORK/stage \
		GUARD="$KERNEL_OUT/module/rust/amd_mce_guard.ko" "${@:2}"
}

# headers_only TARGET [VARIABLE=VALUE...]: make it for Debian's kernel by its headers, with all
# kernel source out of sight
headers_only()
{
	local IN_SYSROOT=(--tmpfs /cache/src)

	in_sysroot make -C /repo/selftests "$1" KDIR="$STOCK_OBJ" STAGE=$IN_WORK/stage-alone \
		GUARD= "${@:2}"
}

# installs DIR COMMAND...: each test script that there is must be in the list of run_kselftest.sh.
installs()
{
	"${@:2}" install INSTALL_PATH="$IN_WORK/$1" || return
	(cd "$TOP/selftests" && printf 'amd_mce_guard:%s\n' test-*.sh | sort) |
		diff - <(sort "$WORK/$1/kselftest-list.txt") &&
		[ -f "$WORK/$1/amd_mce_guard/test_modules/test_mce_livepatch.ko" ]
}

installs_module()
{
	installs installed selftests && [ -f "$WORK/installed/amd_mce_guard/amd_mce_guard.ko" ] &&
		[ -x "$WORK/installed/amd_mce_guard/amd-mce-guard-doctor" ]
}

# contents DIR: the files there
contents()
{
	(cd "$WORK/$1" && find . -type f | sort)
}

# packs DIR STAGE COMMAND...: what is packed is what is installed in DIR, and its programs need no
# dynamic linker.
packs()
{
	local tarball

	"${@:3}" gen_tar || return
	tarball=$(find "$WORK/$2" -name 'kselftest.tar.gz')
	rm -rf "$WORK/unpacked"
	mkdir "$WORK/unpacked" && tar -C "$WORK/unpacked" -xf "$tarball" || return
	diff <(contents "$1") <(contents unpacked) &&
		! grep -l /ld-linux "$WORK"/unpacked/amd_mce_guard/mce_*
}

# skips COMMAND...: there is no tracefs in the sysroot.
skips()
{
	local output scripts

	output=$("$@" run_tests) || return
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

# What make would take for two names, of which one may be somebody else's.
refuses_spaces()
{
	rm -rf "$WORK/a b" "$WORK/a"
	mkdir "$WORK/a b" "$WORK/a" && cp -r "$TOP/selftests"/{Makefile,*.mk} "$WORK/a b" || return
	refuses 'names without a space' in_sysroot make -C "$IN_WORK/a b" clean &&
		refuses 'names without a space' selftests clean STAGE="$IN_WORK/a b" &&
		[ -d "$WORK/a" ]
}

names_install_path()
{
	local output

	output=$(selftests install 2>&1) && return 1
	printf '%s\n' "$output"
	grep -q 'install needs INSTALL_PATH=' <<< "$output"
}

# What the kernel's and our own print of the same tests, but for what the kernel's says beside.
same_ktap()
{
	local runner dir status

	for runner in installed alone; do
		dir=$WORK/made-$runner
		rm -rf "$dir"
		cp -r "$WORK/$runner" "$dir"
		make_tests "$dir"
		status=0
		rm -f "$dir.ktap"
		in_sysroot "$IN_WORK/made-$runner/run_kselftest.sh" -o 2 >> "$dir.ktap" || status=$?
		sed -i '/skipped test(s)/d; /timeout /d; /^#$/d' "$dir.ktap"
		echo "exit status $status" >> "$dir.ktap"
	done
	cat "$WORK/made-alone.ktap"
	diff "$WORK/made-installed.ktap" "$WORK/made-alone.ktap" &&
		[ "$(grep -c '^ok .*# SKIP$' "$WORK/made-alone.ktap")" = 1 ] &&
		[ "$(grep -c '^not ok ' "$WORK/made-alone.ktap")" = 4 ]
}

# make_tests DIR: of each kind of result, in place of those installed there
make_tests()
{
	local name body helpers='source ../kselftest/ktap_helpers.sh; ktap_print_header'

	: > "$1/kselftest-list.txt"
	while read -r name body; do
		printf '#!/bin/bash\n%s\n%s\n' "$helpers" "$body" > "$1/amd_mce_guard/$name.sh"
		chmod +x "$1/amd_mce_guard/$name.sh"
		echo "amd_mce_guard:$name.sh" >> "$1/kselftest-list.txt"
	done <<- 'END'
		passes ktap_set_plan 2; ktap_test_pass "a b"; ktap_test_skip c; ktap_finished
		fails ktap_set_plan 2; ktap_test_pass a; ktap_test_fail "b c"; ktap_finished
		lacks ktap_set_plan 2; ktap_test_pass a; ktap_finished
		skips ktap_skip_all "it is not there"; exit "$KSFT_SKIP"
		dies echo last words >&2; exit 77
		hangs sleep 60
	END
}

# of_another_kernel: a module that was built for another one than the tests
of_another_kernel()
{
	refuses 'build it with "make KDIR=' headers_only gen_tar \
		GUARD="$KERNEL_OUT/module/rust/amd_mce_guard.ko"
}

mkdir -p "$WORK"
ktap_print_header
ktap_set_plan 11
test_that "make install installs every test for run_kselftest.sh" installs_module
test_that "make gen_tar packs the same files" packs installed stage selftests
test_that "make run_tests skips in words where there is no function tracing" skips selftests
test_with stock "with Debian's headers and no kernel source, make install installs every test" \
	installs alone headers_only
test_with stock "with Debian's headers and no kernel source, make gen_tar packs the same files" \
	packs alone stage-alone headers_only
test_with stock "with Debian's headers and no kernel source, make run_tests skips in words" \
	skips headers_only
test_with stock "the runner for machines without kselftest prints the KTAP of the kernel's" \
	same_ktap
test_with stock "a module for another kernel than the tests is refused" of_another_kernel
test_that "make install without kselftest names the variable to set" names_kselftest
test_that "make install without INSTALL_PATH names the variable to set" names_install_path
test_that "a path with a space is refused before anything is removed" refuses_spaces
