#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tree's form: formatters, linters, and the rules no tool knows.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/suite.sh"

# Files of git's, or of the folder if this is a tarball.
files()
{
	(
		cd "$TOP" || exit
		git ls-files -co --exclude-standard 2> /dev/null | grep . ||
			find . -type f -not -path './build/*'
	) | grep -E "$1"
}

rustfmt_clean()
{
	in_sysroot rustfmt --check --edition 2021 --config-path "$KERNEL_SRC/.rustfmt.toml" \
		rust/guard.rs rust/doctor/main.rs
}

# From nothing: what has been compiled before is not linted again.
clippy_clean()
{
	rm -rf "$BUILD/clippy-$2"
	without_warnings in_sysroot make -C /repo KDIR="$1" MO="/repo/build/clippy-$2" CLIPPY=1
}

# The doctor and its unit tests, which are of no kernel.
doctor_clippy_clean()
{
	without_warnings in_sysroot sh -c "for what in '' --test; do
		clippy-driver \$what --edition 2021 -D warnings --emit=metadata --out-dir /tmp \
			rust/doctor/main.rs || exit
	done"
}

shellcheck_clean()
{
	mapfile -t scripts < <(files '(\.sh|\.postrm|\.ci/run|/initramfs/[a-z-]*)$')
	in_sysroot shellcheck -x -S style "${scripts[@]}"
}

checkpatch_clean()
{
	mapfile -t sources < <(files '\.(rs|c|h|sh)$|Kbuild$|Makefile$')
	in_sysroot perl "$1/scripts/checkpatch.pl" --no-tree --no-summary --terse --strict \
		--file "${sources[@]}"
}

# checkpatch could ask it, too, but takes a minute for what it does in a moment.
codespell_clean()
{
	mapfile -t texts < <(files .)
	in_sysroot codespell "${texts[@]}"
}

unsafe_in_two_files()
{
	local found

	found=$(files '\.rs$' | (cd "$TOP" && xargs grep -lE '\bunsafe (\{|impl|extern|fn|trait)'))
	echo "$found"
	[ "$(sort <<< "${found//.\//}")" = "$(printf 'rust/%s.rs\n' ftrace sys)" ]
}

yamllint_clean()
{
	mapfile -t texts < <(files '\.ya?ml$')
	in_sysroot yamllint --strict -d '{extends: relaxed, rules: {line-length: {max: 100}}}' \
		"${texts[@]}"
}

# By its strictest profile, and without what only its network knows.
ansible_lint_clean()
{
	in_sysroot sh -c "cp -r rust/install/ansible /tmp && cd /tmp/ansible &&
		ansible-lint --offline --strict --profile production -q site.yml"
}

docs_build()
{
	without_warnings in_sysroot sphinx-build -q -W -n -b html -d /tmp/doctrees \
		Documentation /repo/build/html
}

tests_listed()
{
	"$TOP/selftests/vm/list-tests.sh" | diff "$TOP/Documentation/tests.rst" -
}

ktap_print_header
ktap_set_plan 13
test_that "rustfmt has nothing to change" rustfmt_clean
test_that "clippy is silent on linux $(kernel_release)" clippy_clean "$KERNEL_OBJ" test
test_with stock "clippy is silent on Debian's linux $STOCK_SERIES" clippy_clean "$STOCK_OBJ" stock
test_that "clippy is silent on the doctor" doctor_clippy_clean
test_that "shellcheck is silent" shellcheck_clean
test_that "checkpatch of linux $(kernel_release) is silent" checkpatch_clean "$KERNEL_SRC"
test_that "checkpatch of linux $STOCK_SERIES is silent" \
	checkpatch_clean "/cache/src/linux-$STOCK_SERIES"
test_that "codespell knows no better" codespell_clean
test_that "yamllint is silent" yamllint_clean
test_that "ansible-lint is silent" ansible_lint_clean
test_that "unsafe Rust is in ftrace.rs and sys.rs only" unsafe_in_two_files
test_that "Documentation/tests.rst lists the tests that there are" tests_listed
test_that "Sphinx builds Documentation without a warning" docs_build
