#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tree's form: formatters, linters, and the rules no tool knows.

source "$(dirname "$0")/../lib/suite.sh"
source "$TOP/selftests/vm/lib/core.sh"

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
		rust/guard.rs rust/standin/kernel/lib.rs rust/standin/macros.rs \
		rust/standin/compiler_builtins.rs rust/doctor/main.rs \
		selftests/vm/in-sysroot/demo-page.rs
}

# clippy_clean KDIR NAME [VARIABLE=VALUE...]: from nothing but core, since what has been compiled
# before is not linted again
clippy_clean()
{
	rm -rf "$BUILD/clippy-$2"
	take_core "$BUILD/kernels/$2/module" "$BUILD/clippy-$2"
	without_warnings in_sysroot make -C /repo KDIR="$1" MO="/repo/build/clippy-$2" CLIPPY=1 \
		"${@:3}"
}

# Programs that are of no kernel, and their unit tests.
programs_clippy_clean()
{
	without_warnings in_sysroot sh -c "for what in '' --test; do
		for main in rust/doctor/main.rs selftests/vm/in-sysroot/demo-page.rs; do
			clippy-driver \$what --edition 2021 -D warnings --emit=metadata \
				--out-dir /tmp \$main || exit
		done
	done"
}

shellcheck_clean()
{
	mapfile -t scripts < <(files '(\.sh|\.postinst|\.ci/run|/initramfs/[a-z-]*)$')
	in_sysroot shellcheck -x -S style "${scripts[@]}"
}

checkpatch_clean()
{
	mapfile -t sources < <(files '\.(rs|c|h|sh)$|Kbuild$|Makefile$')
	# A panic in Rust ends in BUG(), as in the kernel's own rust/helpers/bug.c.
	in_sysroot perl "$KERNEL_SRC/scripts/checkpatch.pl" --no-tree --no-summary --terse \
		--strict --ignore AVOID_BUG --file "${sources[@]}"
}

# checkpatch could ask it, too, but takes a minute for what it does in a moment.
codespell_clean()
{
	mapfile -t texts < <(files .)
	in_sysroot codespell "${texts[@]}"
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

# On the stand-in as it was built for Debian's kernel: kbuild has no rustdoc for
# modules from outside its tree.
rustdoc_clean()
{
	local module

	use_kernel stock
	module=$KERNEL_OUT/module/rust
	without_warnings in_sysroot env -C "$module" RUSTC_BOOTSTRAP=1 \
		AMD_MCE_GUARD_BINDINGS="$module/bindings/bindings_generated.rs" \
		rustdoc --edition 2021 -Zunstable-options --target=standin/target.json \
		--sysroot=/dev/null -L standin --extern kernel -Zcrate-attr=no_std --cfg MODULE \
		@standin/rustc_cfg --crate-name amd_mce_guard --document-private-items \
		-o /tmp/rustdoc /repo/rust/guard.rs
}

docs_build()
{
	without_warnings in_sysroot make -s htmldocs
}

# Each pr_...!() of the module, as people would search for it; {} in it is any word.
messages_explained()
{
	# shellcheck disable=SC2016 # perl's variables
	in_sysroot perl -0777 -e '
		($page = `cat Documentation/messages.rst`) =~ s/\s+/ /g;
		for (map { `cat $_` } glob "rust/*.rs") {
			while (/\bpr_\w+!\(\s*"((?:[^"\\]|\\.)*)"/sg) {
				$message = $1 =~ s/\\\n\s*//gr =~ s/\\n$//r;
				$pattern = join "\\S+", map { quotemeta } split /\{.*?\}/, $message;
				$page =~ /``$pattern``/ or push @missing, $message;
				$seen++;
			}
		}
		print "not in Documentation/messages.rst: $_\n" for @missing;
		exit(@missing || !$seen ? 1 : 0)'
}

# named PATTERN: the literals of Documentation/testing.rst that match it
named()
{
	grep -oE "\`\`($1)\`\`" "$TOP/Documentation/testing.rst" | tr -d '\`' | sort -u
}

# All evidence that there is, and no other; and of mutations those that there are.
evidence_exists()
{
	source "$TOP/selftests/vm/jobs.sh"
	diff <({
		printf 'job %s\n' "${JOBS[@]}"
		(cd "$TOP/selftests" && printf '%s\n' test-*.sh)
		sed -n 's/^#\[kunit_tests(\(.*\))\]$/\1/p' "$TOP"/rust/*.rs
	} | sort) <(named 'job [a-z-]+|test-[a-z]+\.sh|amd_mce_guard_[a-z_]+') &&
		diff <(sed -n 's/^mutation //p' "$TOP/selftests/vm/mutations.list" | sort) \
			<(named '[a-z]+(-[a-z]+)+')
}

ktap_print_header
ktap_set_plan 13
test_that "rustfmt has nothing to change" rustfmt_clean
test_that "clippy is silent on linux $(kernel_release)" clippy_clean "$KERNEL_OBJ" test
test_with stock "clippy is silent on Debian's linux $STOCK_SERIES, the stand-in and its tests" \
	clippy_clean "$STOCK_OBJ" stock SELFTEST=1
test_that "clippy is silent on the doctor and the program of the demo's page" \
	programs_clippy_clean
test_that "shellcheck is silent" shellcheck_clean
test_that "checkpatch of linux $(kernel_release) is silent" checkpatch_clean
test_that "codespell is silent" codespell_clean
test_that "yamllint is silent" yamllint_clean
test_that "ansible-lint is silent" ansible_lint_clean
test_with stock "rustdoc builds the module's documentation without a warning" rustdoc_clean
test_that "Sphinx builds Documentation without a warning" docs_build
test_that "Documentation/messages.rst explains each message of the module" messages_explained
test_that "Documentation/testing.rst names each job, kselftest and KUnit suite, and no other" \
	evidence_exists
