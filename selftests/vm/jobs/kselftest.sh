#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs installed kselftests by the kernel's own runner: $TESTS, separated by commas, from $KSFT. The
# KTAP of each ends up in /lab/NAME.ktap.

# For rasdaemon's database.
mount -t tmpfs none /var/lib

for name in ${TESTS//,/ }; do
	"$KSFT/run_kselftest.sh" --per-test-log --test "amd_mce_guard:test-$name.sh"
	sed 's/^# //' "/tmp/test-$name.sh" > "/lab/$name.ktap"
done
