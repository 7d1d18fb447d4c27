#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs installed kselftests by the kernel's own runner: $TESTS, separated by commas, from $OUT/kselftest. The
# KTAP of each ends up in /lab/NAME.ktap.

# For rasdaemon's database.
mount -t tmpfs none /var/lib

[ -z "${REFERENCE:-}" ] || export AMD_MCE_GUARD_REFERENCE=yes

for name in ${TESTS//,/ }; do
	"$OUT/kselftest/run_kselftest.sh" --per-test-log --test "amd_mce_guard:test-$name.sh"
	sed 's/^# //' "/tmp/test-$name.sh" > "/lab/$name.ktap"
done
