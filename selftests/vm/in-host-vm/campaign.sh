#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The campaign of random errors: $COUNT of them by $SEED, from index $FIRST on; before, one that is
# ended in its midst. With CONTROL=yes there is none before, and one more error comes at last, when
# the guard is gone: of it a guest on KVM dies.
#
# VM: timeout=900 parallel

source /repo/selftests/lib/status.sh

export CAMPAIGN=/lab AMD_MCE_GUARD_MAY_UNLOAD=yes
# The console takes its time.
dmesg -n 1
cd "$OUT/kselftest/amd_mce_guard" || exit

if [ "${CONTROL:-}" != yes ]; then
	CAMPAIGN=/tmp ./campaign.sh "$SEED" 1000000 > /tmp/said 2>&1 &
	# End it while it waits for a livepatch, where bash once crashed in place of cleaning up.
	while kill -0 $! && [ "$(cat /sys/kernel/livepatch/*/transition)" != 1 ]; do
		sleep 0.1
	done 2> /dev/null
	kill $!
	wait $!
	{
		echo "exit status $?"
		pidof mce_random
		ls -d /sys/module/amd_mce_guard /sys/kernel/tracing/instances/*
	} > /lab/ended 2> /dev/null
fi

./campaign.sh "$SEED" "$COUNT" "$FIRST" || exit
[ "${CONTROL:-}" = yes ] || exit 0

sync
dmesg -n 8
echo 1 > /sys/devices/system/machinecheck/machinecheck0/check_interval
./mce_inject 0 error 9 $DEFERRED 0 0
sleep 600
