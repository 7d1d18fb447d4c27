#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Writes Documentation/tests.rst to standard output: every test, in its own words.

# shellcheck disable=SC2016,SC2086 # shell and reStructuredText as text, lists of words
cd "$(dirname "$0")/../.." || exit
# shellcheck source-path=SCRIPTDIR
source selftests/vm/suites.sh
source selftests/vm/versions.sh
source selftests/vm/scenarios.sh

heading()
{
	printf '\n%s\n%s\n\n' "$1" "${1//?/=}"
}

# enumerate SUITE...: as a sentence has them
enumerate()
{
	printf '**%s**, ' "${@:1:$# - 1}" | sed 's/, $//'
	printf ' and **%s**' "${@: -1}"
}

# about SCRIPT: what its header says
about()
{
	awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$1"
}

# table: of what comes in, a line each
table()
{
	printf '\n.. list-table::\n   :header-rows: 1\n   :widths: 5 95\n\n'
	printf '   * - No.\n     - What it shows\n'
	nl -w 1 -s ' ' | sed -E 's/\*/\\*/g; s/^([0-9]+) (.*)/   * - \1\n     - \2/'
}

# described SCRIPT VERB: the descriptions that a script gives its tests
described()
{
	sed -E 's/^test_with "?[^ ]* /test_that /' "$1" |
		sed -nE "s/^[[:space:]]*$2 \"([^\"]*(\"[^\"]*\"[^\"]*\\))?[^\"]*)\".*/\\1/p" |
		sed -E 's/\$\(kernel_release\)/(under test)/; s/\$\(vendor\)/VENDOR/
			s/\$STOCK_SERIES/(stock)/; s/\$option/each option that it needs/
			s/\$\(awk[^)]*\)/VENDOR/; s/\$suite: \$case/KUNIT/; /\$/d'
}

kunit_cases()
{
	awk '/^#\[kunit_tests\(/ { gsub(/.*\(|\).*/, ""); suite = $0 }
		suite && /#\[test\]/ { wanted = 1; next }
		wanted && /fn / {
			sub(/.*fn /, ""); sub(/\(.*/, "")
			print "``" suite "``: ``" $0 "``"
			wanted = 0
		}
	' rust/*.rs
}

# scenarios NAME...: what the tests of the procedure are called
scenarios()
{
	local name

	for name; do
		describe "$name"
	done
}

spdx=SPDX-License-Identifier
echo ".. $spdx: GPL-2.0"
cat << 'END'
.. Generated, see selftests/README; make check compares.

=====
Tests
=====

What ``make check`` runs, in the tests' own words.

END
heading "In the guest"
cat << END
The kselftests of \`\`selftests/\`\`. The lab runs all but **unaffected** on the vulnerable kernel
(job \`\`amd\`\`); all of these but **rasdaemon** on one that looks for mistakes (\`\`debug\`\`)
and, from a copy of what is installed, on Debian's own (\`\`stock\`\`);
$(enumerate "${CFI_KSELFTESTS[@]}") on one that checks the type of each function it calls
(\`\`cfi\`\`);
$(enumerate "${REFERENCES[@]}") on a fixed one, with the guard (\`\`fixed\`\`) and without it
(\`\`reference\`\`: less what the guard itself says and changes, the transcripts are the same);
$(enumerate "${NESTED_KSELFTESTS[@]}") in a guest on KVM (\`\`nested\`\`); **unaffected** on CPUs
with nothing to guard (\`\`intel\`\`, \`\`hygon\`\`, \`\`smca\`\`).
END
for suite in "${KSELFTESTS[@]}" rasdaemon unaffected; do
	printf '\n**%s**: ' "$suite"
	about "selftests/test-$suite.sh"
	described "selftests/test-$suite.sh" run_test | table
done
heading "The mail thread's procedure"
cat << 'END'
In a guest on KVM on an emulated AMD host, see :doc:`lab` (jobs ``procedure``, ``variants``,
``contained``). Each
job shows first that each of its guests ran to its end. A guest with the guard has a twin without
it. Where the guard protects, the twin must panic as in the thread, or the test of the twin fails.
END
mapfile -t all < <(expand $PROCEDURE $VARIANTS $SELF_CONTAINED_ON)
scenarios "${all[@]}" | table
printf '\n**nested**: '
about selftests/vm/jobs/nested.sh
described selftests/vm/jobs/nested.sh test_that | table
heading "The module by itself"
about selftests/vm/jobs/kunit.sh
{
	kunit_cases
	described selftests/vm/jobs/kunit.sh test_that | grep -v KUNIT
} | table
for job in nofunction faults checkers running; do
	printf '\n**%s**: ' $job
	about selftests/vm/jobs/$job.sh
	described selftests/vm/jobs/$job.sh test_that | table
done
heading "The tree"
for job in build metadata image install doctor package signing machine lava preflight \
	caution lint; do
	printf '\n**%s**: ' $job
	about selftests/vm/test-$job.sh
	described selftests/vm/test-$job.sh test_that | table
done
